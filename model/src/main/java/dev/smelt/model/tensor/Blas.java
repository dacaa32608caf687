package dev.smelt.model.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;

/**
 * The threads that OpenBLAS uses inside one product.
 *
 * <p>OpenBLAS brings its own threads beside those of libtorch. Both wait busily for a while after
 * each piece of work, and take the cores from each other. So each product runs on one thread, and
 * {@link Products} gives every thread a block of it. Decompositions, which are sequences of
 * products inside of OpenBLAS, use its threads.
 */
final class Blas {
  private static final List<MethodHandle> SETTERS = setters();

  private Blas() {}

  /** Sets the number of threads of each product that starts from now on. */
  static void useThreads(int threads) {
    try {
      for (MethodHandle setter : SETTERS) {
        setter.invokeExact(threads);
      }
    } catch (Throwable e) {
      throw new IllegalStateException("openblas_set_num_threads failed", e);
    }
  }

  /** Runs a decomposition with the threads of OpenBLAS, unless others run beside it. */
  static <T> T decompose(Supplier<T> decomposition) {
    if (Parallel.isWorker()) {
      return decomposition.get();
    }
    useThreads(Torch.threads());
    try {
      return decomposition.get();
    } finally {
      useThreads(1);
    }
  }

  /** One for each copy of OpenBLAS in the process; none if libtorch has another library. */
  private static List<MethodHandle> setters() {
    Path directory = Path.of(Loader.load(openblas.class)).getParent();
    try (var files = Files.list(directory)) {
      return files
          .filter(Blas::isLibrary)
          .sorted()
          .map(Blas::setter)
          .flatMap(Optional::stream)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isLibrary(Path file) {
    String name = file.getFileName().toString();
    return name.matches("lib(scipy_)?openblas(_nolapack)?(\\.so\\.\\d+|(\\.\\d+)?\\.dylib|\\.dll)");
  }

  private static Optional<MethodHandle> setter(Path library) {
    return SymbolLookup.libraryLookup(library, Arena.global())
        .find("openblas_set_num_threads")
        .map(Blas::setter);
  }

  private static MethodHandle setter(MemorySegment function) {
    return Linker.nativeLinker()
        .downcallHandle(function, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
  }
}
