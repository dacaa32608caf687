package dev.smelt.model.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.global.torch;

/**
 * Runs independent pieces of work side by side, each on one thread from start to end.
 *
 * <p>For many small operations this keeps all cores busy where threads inside each operation would
 * mostly wait for each other. There are as many workers as {@link Torch#threads}.
 */
public final class Parallel {
  private static ExecutorService workers;
  private static int size;

  private Parallel() {}

  /**
   * Runs {@code work} for 0 up to {@code count - 1} and returns when all are done. Each piece opens
   * its own {@link Scope} and may not depend on another one. While gradients are being recorded,
   * and inside of a piece of work, everything runs in order on the calling thread.
   *
   * @throws RuntimeException what a piece of work threw
   */
  public static void forEach(int count, IntConsumer work) {
    int threads = Math.min(count, isWorker() || Autograd.isRecording() ? 1 : Torch.threads());
    if (threads <= 1) {
      for (int i = 0; i < count; i++) {
        work.accept(i);
      }
      return;
    }
    var next = new AtomicInteger();
    Runnable loop =
        () -> {
          for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
            work.accept(i);
          }
        };
    runOnAll(threads, loop);
  }

  /** Whether the calling thread is one of the workers. */
  static boolean isWorker() {
    return Thread.currentThread() instanceof Worker;
  }

  private static void runOnAll(int threads, Runnable loop) {
    ExecutorService pool = workers();
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      running.add(pool.submit(loop));
    }
    List<Throwable> failures = new ArrayList<>();
    for (Future<?> one : running) {
      try {
        one.get();
      } catch (ExecutionException e) {
        failures.add(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        failures.add(e);
      }
    }
    failures.stream().findFirst().ifPresent(Parallel::rethrow);
  }

  private static void rethrow(Throwable failure) {
    switch (failure) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure);
    }
  }

  private static synchronized ExecutorService workers() {
    int threads = Torch.threads();
    if (workers == null || size != threads) {
      if (workers != null) {
        workers.shutdown();
      }
      size = threads;
      workers = Executors.newFixedThreadPool(threads, Worker::new);
      start(threads);
    }
    return workers;
  }

  /**
   * Starts all workers. What a worker says about threads holds for itself and for threads that
   * libtorch has not seen yet; so the number is set again afterwards.
   */
  private static void start(int threads) {
    List<Future<?>> ready = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      ready.add(workers.submit(() -> {}));
    }
    try {
      for (Future<?> one : ready) {
        one.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
    torch.set_num_threads(threads);
  }

  /** A thread on which operations of libtorch use no further threads and record no gradients. */
  private static final class Worker extends Thread {
    Worker(Runnable work) {
      super(work, "smelt-worker");
      setDaemon(true);
    }

    @Override
    public void run() {
      GradMode.set_enabled(false);
      // libtorch sets a thread up when it first asks for the number, with that of the process.
      torch.get_num_threads();
      torch.set_num_threads(1);
      super.run();
    }
  }
}
