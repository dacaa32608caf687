package dev.smelt.model.text;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Token ids in NumPy's .npy format, versions 1 to 3.
 *
 * <p>Read are int32, int64, uint16 and uint32, little endian, in C order, one or two dimensions.
 */
final class NpyFile {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Map<String, Dtype> TYPES =
      Map.of("<i4", Dtype.I32, "<i8", Dtype.I64, "<u2", Dtype.U16, "<u4", Dtype.U32);
  private static final Pattern DESCR = Pattern.compile("'descr':\\s*'([^']*)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order':\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape':\\s*\\(([0-9, ]*)\\)");

  private final Path file;
  private final MemorySegment bytes;

  private NpyFile(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /** The rows of the array as documents. */
  static List<Document> read(Path file, int vocabulary) {
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment bytes = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
      return new NpyFile(file, bytes).rows().documents(vocabulary);
    } catch (IOException e) {
      throw Utf8.unreadable(file, e);
    }
  }

  private IdRows rows() {
    int dataStart = dataStart();
    String header = header(dataStart);
    Dtype dtype = dtype(find(DESCR, header, "descr"));
    List<Long> shape = shape(find(SHAPE, header, "shape"));
    if (find(FORTRAN, header, "fortran_order").equals("True") && shape.size() > 1) {
      throw broken("in Fortran order, expected C order", "save numpy.ascontiguousarray(ids)");
    }
    long expected = size(shape, dtype);
    long found = bytes.byteSize() - dataStart;
    if (found != expected) {
      throw broken(
          "shape " + shape + " needs " + expected + " bytes of data, found " + found,
          "the file is cut off or damaged: write it again");
    }
    return new IdRows(file.toString(), dtype, shape, bytes.asSlice(dataStart));
  }

  /** Where the data begins: magic, version, length of the header, header. */
  private int dataStart() {
    require(bytes.byteSize() >= 10 && Arrays.equals(bytes(0, 6), MAGIC), "no NumPy header");
    int major = number(6, 1);
    require(major >= 1 && major <= 3, "NumPy format version " + major + ", expected 1 to 3");
    int lengthBytes = major == 1 ? 2 : 4;
    require(bytes.byteSize() >= 8 + lengthBytes, "the header is cut off");
    long start = 8L + lengthBytes + Integer.toUnsignedLong(number(8, lengthBytes));
    require(start <= bytes.byteSize() && start < 1 << 20, "the header is cut off or too long");
    return (int) start;
  }

  private String header(int dataStart) {
    int start = number(6, 1) == 1 ? 10 : 12;
    return new String(bytes(start, dataStart - start), StandardCharsets.UTF_8);
  }

  private Dtype dtype(String descr) {
    Dtype dtype = TYPES.get(descr);
    if (dtype == null) {
      throw broken(
          "element type '" + descr + "', expected int32, int64, uint16 or uint32, little endian",
          "save ids.astype('<i4')");
    }
    return dtype;
  }

  private List<Long> shape(String text) {
    try {
      return Arrays.stream(text.split(","))
          .map(String::strip)
          .filter(part -> !part.isEmpty())
          .map(Long::valueOf)
          .toList();
    } catch (NumberFormatException e) {
      throw broken("shape (" + text + ") cannot be read", "the header is damaged: write it again");
    }
  }

  private long size(List<Long> shape, Dtype dtype) {
    try {
      return shape.stream().reduce((long) dtype.bytes(), Math::multiplyExact);
    } catch (ArithmeticException e) {
      throw broken("shape " + shape + " is too large", "the header is damaged: write it again");
    }
  }

  private String find(Pattern pattern, String header, String field) {
    Matcher matcher = pattern.matcher(header);
    require(matcher.find(), "the header has no readable " + field);
    return matcher.group(1);
  }

  private byte[] bytes(long offset, long length) {
    return bytes.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
  }

  private int number(int offset, int length) {
    int value = 0;
    byte[] little = bytes(offset, length);
    for (int i = length - 1; i >= 0; i--) {
      value = (value << 8) | (little[i] & 0xFF);
    }
    return value;
  }

  private void require(boolean condition, String problem) {
    if (!condition) {
      throw broken(problem, "save the array with numpy.save");
    }
  }

  private SmeltException broken(String problem, String hint) {
    return SmeltException.checkpoint(file + ": " + problem, hint);
  }
}
