package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsWriter;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.SequencedMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Times the reading of one FP8 and one MXFP4 matrix of 4096 x 4096 into F32 and BF16, in turns with
 * the floor: a copy of as many bytes as are written.
 */
public final class DequantisationBenchmark {
  private static final int SIDE = 4096;
  private static final int REPEATS = 45;
  private static final long PAUSE = 20_000_000;

  private DequantisationBenchmark() {}

  /** Prints a line for each type: times, and in parentheses how many floors they are. */
  public static void main(String[] arguments) throws IOException {
    Path directory = Files.createTempDirectory("smelt-bench");
    try (Arena arena = Arena.ofConfined()) {
      write(directory, arena);
    }
    try (var checkpoint = Checkpoint.open(directory)) {
      for (Dtype type : List.of(Dtype.F32, Dtype.BF16)) {
        Weights weights = new Weights(checkpoint, type);
        StoredTensor fp8 = checkpoint.require("w.weight");
        StoredTensor blocks = checkpoint.require("x_blocks");
        StoredTensor scales = checkpoint.require("x_scales");
        report(type, () -> weights.load(fp8), () -> Mxfp4.load(weights, blocks, scales, 0));
      }
    }
  }

  private static void write(Path directory, Arena arena) throws IOException {
    Files.writeString(
        directory.resolve("config.json"),
        "{\"quantization_config\": {\"quant_method\": \"fp8\","
            + " \"weight_block_size\": [128, 128]}}");
    long side = SIDE;
    long blocks = side / Mxfp4.BLOCK;
    SequencedMap<TensorInfo, MemorySegment> tensors = new LinkedHashMap<>();
    add(tensors, arena, new TensorInfo("w.weight", Dtype.F8_E4M3, List.of(side, side)), 0, 0x3F);
    MemorySegment ones = arena.allocate(4 * (side / 128) * (side / 128), 8);
    for (long i = 0; i < ones.byteSize() / 4; i++) {
      ones.setAtIndex(ValueLayout.JAVA_FLOAT, i, 0.5f);
    }
    List<Long> grid = List.of(side / 128, side / 128);
    tensors.put(new TensorInfo("w.weight_scale_inv", Dtype.F32, grid), ones);
    add(
        tensors,
        arena,
        new TensorInfo("x_blocks", Dtype.U8, List.of(1L, side, blocks, 16L)),
        0,
        0xFF);
    // weights of a model are within a few powers of two
    add(tensors, arena, new TensorInfo("x_scales", Dtype.U8, List.of(1L, side, blocks)), 112, 7);
    SafetensorsWriter.write(directory.resolve("model.safetensors"), new LinkedHashMap<>(), tensors);
  }

  private static void add(
      SequencedMap<TensorInfo, MemorySegment> tensors,
      Arena arena,
      TensorInfo info,
      int first,
      int mask) {
    Random random = new Random(1);
    MemorySegment bytes = arena.allocate(info.bytes(), 8);
    for (long i = 0; i < bytes.byteSize(); i++) {
      bytes.set(ValueLayout.JAVA_BYTE, i, (byte) (first + (random.nextInt() & mask)));
    }
    tensors.put(info, bytes);
  }

  private static void report(Dtype type, Supplier<Tensor> fp8, Supplier<Tensor> mxfp4) {
    double[][] seconds = new double[3][REPEATS];
    try (var _ = Scope.open()) {
      Tensor source = Tensors.full(1, type, SIDE, SIDE);
      for (int i = 0; i < REPEATS; i++) {
        seconds[0][i] = seconds(source::copy);
        seconds[1][i] = seconds(fp8);
        seconds[2][i] = seconds(mxfp4);
      }
    }
    double floor = median(seconds[0]);
    System.out.printf(
        Locale.ROOT,
        "%-4s: floor %.1f ms, FP8 %.1f ms (%.1f), MXFP4 %.1f ms (%.1f)%n",
        type,
        1e3 * floor,
        1e3 * median(seconds[1]),
        median(seconds[1]) / floor,
        1e3 * median(seconds[2]),
        median(seconds[2]) / floor);
  }

  private static double seconds(Supplier<Tensor> work) {
    try (var _ = Scope.open()) {
      // libtorch's threads keep a processor busy for a while after an operation
      LockSupport.parkNanos(PAUSE);
      long start = System.nanoTime();
      Tensor result = work.get();
      double seconds = (System.nanoTime() - start) / 1e9;
      if (result.elements() == 0) {
        throw new IllegalStateException("nothing was read");
      }
      return seconds;
    }
  }

  /** Without the first third, which warms up. */
  private static double median(double[] seconds) {
    double[] warm = Arrays.copyOfRange(seconds, seconds.length / 3, seconds.length);
    Arrays.sort(warm);
    return warm[warm.length / 2];
  }
}
