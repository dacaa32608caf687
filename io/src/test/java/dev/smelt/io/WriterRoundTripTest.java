package dev.smelt.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes in comes out, for random plans, types, shard sizes and orders of writing. */
class WriterRoundTripTest {
  private static final List<String> TYPES =
      List.of("F64", "F32", "F16", "BF16", "F8_E4M3", "I64", "I32", "I16", "U8", "BOOL", "X7");

  @TempDir Path parent;

  @Test
  void writtenTensorsComeBack() {
    for (long seed = 0; seed < 25; seed++) {
      Random random = new Random(seed);
      List<TensorInfo> plan = randomPlan(random);
      Map<String, byte[]> values = new LinkedHashMap<>();
      for (TensorInfo info : plan) {
        values.put(info.name(), randomBytes(random, info.bytes()));
      }
      Path target = parent.resolve("seed" + seed);
      long shardBytes = 1L + random.nextInt(4000);
      write(random, target, plan, values, new WriterOptions(shardBytes, false));
      assertSame(seed, target, plan, values);
      Path copy = parent.resolve("copy" + seed);
      copy(random, target, copy, plan);
      assertSame(seed, copy, plan, values);
      assertThat(CheckpointVerifier.problems(copy)).as("seed %d", seed).isEmpty();
    }
    assertThat(parent).isDirectoryNotContaining(path -> path.toString().contains(".smelt-"));
  }

  /** The file holds every type; safetensors for Python wrote it. */
  @Test
  void theLayoutIsThatOfTheReferenceWriter() {
    Path source = parent.resolve("reference");
    TestFiles.copyResource(WriterRoundTripTest.class, "/reference", source);
    Path reference = source.resolve("every-dtype.safetensors");
    Path target = parent.resolve("out");
    try (SafetensorsFile file = SafetensorsFile.open(reference)) {
      List<StoredTensor> shuffled = new ArrayList<>(file.tensors().values());
      Collections.shuffle(shuffled, new Random(1));
      List<TensorInfo> plan = shuffled.stream().map(StoredTensor::info).toList();
      try (CheckpointWriter writer =
          CheckpointWriter.create(target, plan, WriterOptions.DEFAULTS)) {
        shuffled.forEach(tensor -> writer.copy(tensor.name(), tensor));
        writer.commit();
      }
    }
    assertThat(target.resolve("model.safetensors")).hasSameBinaryContentAs(reference);
  }

  private static List<TensorInfo> randomPlan(Random random) {
    List<TensorInfo> plan = new ArrayList<>();
    int count = 1 + random.nextInt(30);
    for (int i = 0; i < count; i++) {
      Dtype dtype = Dtype.of(TYPES.get(random.nextInt(TYPES.size())));
      List<Long> shape = new ArrayList<>();
      long elements = 1;
      for (int dims = random.nextInt(4); dims > 0; dims--) {
        shape.add((long) random.nextInt(7));
        elements *= shape.getLast();
      }
      long bytes = elements * Math.max(1, dtype.bytes());
      plan.add(new TensorInfo("layer." + random.nextInt(10) + ".é\"" + i, dtype, shape, bytes));
    }
    return plan;
  }

  /** Bytes whose exponents are never all ones, so that every floating type is finite. */
  private static byte[] randomBytes(Random random, long size) {
    byte[] bytes = new byte[(int) size];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (random.nextInt() & 0xBB);
    }
    return bytes;
  }

  private static void write(
      Random random,
      Path target,
      List<TensorInfo> plan,
      Map<String, byte[]> values,
      WriterOptions options) {
    try (Arena arena = Arena.ofConfined();
        CheckpointWriter writer = CheckpointWriter.create(target, plan, options)) {
      List<TensorInfo> order = new ArrayList<>(plan);
      Collections.shuffle(order, random);
      for (TensorInfo info : order) {
        MemorySegment heap = MemorySegment.ofArray(values.get(info.name()));
        MemorySegment data = arena.allocate(Math.max(1, info.bytes())).asSlice(0, info.bytes());
        data.copyFrom(heap);
        if (random.nextBoolean()) {
          writer.write(info.name(), random.nextBoolean() ? heap : data.asReadOnly());
        } else {
          writeInParts(random, writer, info, data);
        }
      }
      writer.writeFile("config.json", "{}");
      writer.commit();
    }
  }

  private static void writeInParts(
      Random random, CheckpointWriter writer, TensorInfo info, MemorySegment data) {
    long width = Math.max(1, info.dtype().bytes());
    long middle = info.bytes() == 0 ? 0 : random.nextLong(info.bytes() / width + 1) * width;
    writer.writeSlice(info.name(), middle, data.asSlice(middle));
    writer.writeSlice(info.name(), 0, data.asSlice(0, middle));
  }

  private static void copy(Random random, Path from, Path to, List<TensorInfo> plan) {
    WriterOptions options = new WriterOptions(1L + random.nextInt(4000), false);
    try (Checkpoint source = Checkpoint.open(from);
        CheckpointWriter writer = CheckpointWriter.create(to, plan, options)) {
      for (TensorInfo info : plan) {
        StoredTensor stored = source.require(info.name());
        long middle = info.bytes() == 0 ? 0 : random.nextLong(info.bytes());
        if (random.nextBoolean()) {
          writer.copy(info.name(), stored);
        } else {
          writer.copySlice(info.name(), 0, stored, 0, middle);
          writer.copySlice(info.name(), middle, stored, middle, info.bytes() - middle);
        }
      }
      writer.writeFile("config.json", source.config().text());
      writer.commit();
    }
  }

  private static void assertSame(
      long seed, Path directory, List<TensorInfo> plan, Map<String, byte[]> values) {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.tensors()).as("seed %d", seed).hasSize(plan.size());
      for (TensorInfo info : plan) {
        StoredTensor stored = checkpoint.require(info.name());
        assertThat(stored.info()).as("seed %d", seed).isEqualTo(info);
        assertThat(checkpoint.data(stored).toArray(ValueLayout.JAVA_BYTE))
            .as("seed %d, %s", seed, info)
            .isEqualTo(values.get(info.name()));
      }
    }
  }
}
