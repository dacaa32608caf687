package dev.smelt.model.tensor;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** libtorch as a whole: start-up, threads, what the processor can do, element types. */
public final class Torch {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final Map<Dtype, ScalarType> TYPES =
      Map.ofEntries(
          Map.entry(Dtype.F64, ScalarType.Double),
          Map.entry(Dtype.F32, ScalarType.Float),
          Map.entry(Dtype.F16, ScalarType.Half),
          Map.entry(Dtype.BF16, ScalarType.BFloat16),
          Map.entry(Dtype.F8_E4M3, ScalarType.Float8_e4m3fn),
          Map.entry(Dtype.F8_E5M2, ScalarType.Float8_e5m2),
          Map.entry(Dtype.I64, ScalarType.Long),
          Map.entry(Dtype.I32, ScalarType.Int),
          Map.entry(Dtype.I16, ScalarType.Short),
          Map.entry(Dtype.I8, ScalarType.Char),
          Map.entry(Dtype.U8, ScalarType.Byte),
          Map.entry(Dtype.BOOL, ScalarType.Bool));
  private static boolean initialised;
  private static int wanted;

  private Torch() {}

  /**
   * Loads the native library once and switches gradients off for this thread. Matrix products use
   * one thread each, see {@link Blas}. {@link Tensors} calls this before the first tensor is made:
   * loading takes more than a second, which commands that only copy do not spend.
   */
  static synchronized void initialise() {
    if (!initialised) {
      initialised = true;
      GradMode.set_enabled(false);
      Blas.useThreads(1);
      if (wanted > 0) {
        torch.set_num_threads(wanted);
      }
    }
  }

  /** Sets the number of threads inside operations. */
  public static synchronized void useThreads(int threads) {
    wanted = threads;
    if (initialised) {
      torch.set_num_threads(threads);
    }
  }

  /** The number of threads inside operations, now or once the library is loaded. */
  public static synchronized int threads() {
    if (initialised) {
      return torch.get_num_threads();
    }
    return wanted > 0 ? wanted : usualThreads();
  }

  /** What OpenMP takes: its variable, else all processors. */
  private static int usualThreads() {
    String variable = System.getenv().getOrDefault("OMP_NUM_THREADS", "");
    return variable.matches("[1-9][0-9]{0,3}")
        ? Integer.parseInt(variable)
        : Runtime.getRuntime().availableProcessors();
  }

  /** Whether the processor has bfloat16 matrix instructions, which make BF16 faster than F32. */
  public static boolean hasFastBfloat16() {
    if (!Files.isReadable(CPU_INFO)) {
      return false;
    }
    try (var lines = Files.lines(CPU_INFO)) {
      return lines
          .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
          .findFirst()
          .filter(flags -> flags.contains(" amx_bf16") || flags.contains(" avx512_bf16"))
          .isPresent();
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Runs work in which products of F32 matrices may round their factors to BF16; sums stay F32.
   * With matrix instructions for BF16 they are two to three times as fast, without them nothing
   * changes. Holds for all threads.
   */
  public static <T> T roundingFactors(Supplier<T> work) {
    torch.globalContext().setFloat32MatmulPrecision("medium");
    try {
      return work.get();
    } finally {
      torch.globalContext().setFloat32MatmulPrecision("highest");
    }
  }

  /** The number of native objects alive that Java owns; tests use it to find leaks. */
  public static long liveObjects() {
    return Pointer.totalCount();
  }

  static ScalarType type(Dtype dtype) {
    ScalarType type = TYPES.get(dtype);
    if (type == null) {
      throw SmeltException.unsupported("no arithmetic on tensors of type " + dtype, "");
    }
    return type;
  }

  static Dtype dtype(ScalarType type) {
    for (var entry : TYPES.entrySet()) {
      if (entry.getValue().value == type.value) {
        return entry.getKey();
      }
    }
    throw new IllegalStateException("unexpected libtorch type " + type);
  }

  /** Switches the recording of gradients on or off for the calling thread; returns what it was. */
  static boolean setGradientsEnabled(boolean enabled) {
    boolean before = GradMode.is_enabled();
    GradMode.set_enabled(enabled);
    return before;
  }
}
