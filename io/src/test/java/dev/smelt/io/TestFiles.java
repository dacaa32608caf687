package dev.smelt.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.stream.Stream;

/** Files for the tests of all modules, written without the code that they test. */
public final class TestFiles {
  private TestFiles() {}

  /**
   * A tensor for a test file.
   *
   * @param dtype the name in the header, known or not
   * @param shape the sizes
   * @param data the values in little endian
   */
  public record Values(String dtype, List<Long> shape, byte[] data) {}

  /** Values of any type from bytes. */
  public static Values values(String dtype, List<Long> shape, byte... data) {
    return new Values(dtype, shape, data);
  }

  /** Values of type F32. */
  public static Values f32(List<Long> shape, float... values) {
    ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(values);
    return new Values("F32", shape, buffer.array());
  }

  /** Values of type BF16, cut off from float32. */
  public static Values bf16(List<Long> shape, float... values) {
    ByteBuffer buffer = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      buffer.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
    }
    return new Values("BF16", shape, buffer.array());
  }

  /** Values of type I64. */
  public static Values i64(List<Long> shape, long... values) {
    ByteBuffer buffer = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asLongBuffer().put(values);
    return new Values("I64", shape, buffer.array());
  }

  /** Tensors for a test file from alternating names ({@link String}) and {@link Values}. */
  public static SequencedMap<String, Values> tensors(Object... namesAndValues) {
    SequencedMap<String, Values> tensors = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      tensors.put((String) namesAndValues[i], (Values) namesAndValues[i + 1]);
    }
    return tensors;
  }

  /** Writes a safetensors file with the tensors in the order of the map. */
  public static Path safetensors(Path file, SequencedMap<String, Values> tensors) {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    int size = tensors.values().stream().mapToInt(tensor -> tensor.data().length).sum();
    ByteBuffer data = ByteBuffer.allocate(size);
    tensors.forEach(
        (name, tensor) -> {
          int begin = data.position();
          data.put(tensor.data());
          header.append(
              ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                  .formatted(name, tensor.dtype(), tensor.shape(), begin, data.position()));
        });
    return raw(file, header.append('}').toString(), data.array());
  }

  /** Writes header and data as they are, sound or not. */
  public static Path raw(Path file, String header, byte... data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer = ByteBuffer.allocate(8 + json.length + data.length);
    buffer.order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json).put(data);
    return bytes(file, buffer.array());
  }

  /** Writes a text file. */
  public static Path text(Path file, String text) {
    return bytes(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes a file and the directories that it needs. */
  public static Path bytes(Path file, byte... content) {
    try {
      Files.createDirectories(Objects.requireNonNull(file.toAbsolutePath().getParent()));
      return Files.write(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes a checkpoint of one file and a config.json with the given text. */
  public static Path checkpoint(
      Path directory, String config, SequencedMap<String, Values> tensors) {
    text(directory.resolve("config.json"), config);
    safetensors(directory.resolve("model.safetensors"), tensors);
    return directory;
  }

  /**
   * Copies a resource directory, such as a tiny checkpoint, to a new directory.
   *
   * @param anchor a class of the module that has the resource, found in a plain directory
   * @param resource the absolute resource name, such as {@code /checkpoints/tiny}
   */
  public static Path copyResource(Class<?> anchor, String resource, Path target) {
    URL url = Objects.requireNonNull(anchor.getResource(resource), resource);
    try {
      URI uri = url.toURI();
      return copyTree(Path.of(uri), target);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(resource, e);
    }
  }

  /** Copies a directory with everything in it. */
  public static Path copyTree(Path source, Path target) {
    try (Stream<Path> entries = Files.walk(source)) {
      for (Path entry : entries.toList()) {
        Path to = target.resolve(source.relativize(entry).toString());
        if (Files.isDirectory(entry)) {
          Files.createDirectories(to);
        } else {
          Files.copy(entry, to);
        }
      }
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The names of all files and directories below, sorted, relative to the directory. */
  public static List<String> tree(Path directory) {
    try (Stream<Path> entries = Files.walk(directory)) {
      return entries
          .filter(entry -> !entry.equals(directory))
          .map(entry -> directory.relativize(entry).toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether two directories hold the same names with the same bytes. */
  public static boolean sameTree(Path a, Path b) {
    List<String> names = tree(a);
    return names.equals(tree(b))
        && names.stream()
            .filter(name -> Files.isRegularFile(a.resolve(name)))
            .allMatch(name -> Arrays.equals(read(a.resolve(name)), read(b.resolve(name))));
  }

  /** All bytes of a file. */
  public static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
