package dev.smelt.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * One safetensors file, open for reading.
 *
 * <p>The header is read and checked at once; the values are mapped into memory at first use, with
 * 64-bit offsets, and shared by all readers until the file is closed. The layout is: header length
 * as unsigned 64-bit little endian, header as JSON, then the values without gaps.
 */
public final class SafetensorsFile implements AutoCloseable {
  /** The longest header that readers of the format accept, in bytes. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  private static final String HINT =
      "The file is damaged or was not written completely; download or write it again.";

  private final Path path;
  private final long size;
  private final SequencedMap<String, String> metadata;
  private final SequencedMap<String, StoredTensor> tensors;
  private final Arena arena = Arena.ofShared();
  private volatile MemorySegment mapping = MemorySegment.NULL;

  private SafetensorsFile(
      Path path,
      long size,
      SequencedMap<String, String> metadata,
      SequencedMap<String, StoredTensor> tensors) {
    this.path = path;
    this.size = size;
    this.metadata = Collections.unmodifiableSequencedMap(metadata);
    this.tensors = Collections.unmodifiableSequencedMap(tensors);
  }

  /**
   * Opens a file and checks its header completely.
   *
   * @throws SmeltException {@link Fault#CHECKPOINT} with all problems of the header
   */
  public static SafetensorsFile open(Path path) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return read(path, channel);
    } catch (IOException e) {
      throw Failures.reading(path, e);
    }
  }

  private static SafetensorsFile read(Path path, FileChannel channel) throws IOException {
    long size = channel.size();
    byte[] json = header(path, channel, size);
    long dataStart = (long) Long.BYTES + json.length;
    List<String> problems = new ArrayList<>();
    HeaderParser parser = new HeaderParser(path, dataStart, size - dataStart, problems);
    parser.parse(json);
    List<StoredTensor> inOrder = new ArrayList<>(parser.tensors());
    inOrder.sort(Comparator.comparingLong(StoredTensor::offset).thenComparing(StoredTensor::bytes));
    if (problems.isEmpty()) {
      checkLayout(path, inOrder, dataStart, size, problems);
    }
    if (!problems.isEmpty()) {
      throw SmeltException.all(Fault.CHECKPOINT, Failures.shortened(problems), HINT);
    }
    LinkedHashMap<String, StoredTensor> tensors = LinkedHashMap.newLinkedHashMap(inOrder.size());
    for (StoredTensor tensor : inOrder) {
      tensors.put(tensor.name(), tensor);
    }
    return new SafetensorsFile(path, size, parser.metadata(), tensors);
  }

  /** The header's JSON, as bytes. */
  static byte[] header(Path path, FileChannel channel, long size) throws IOException {
    if (size < Long.BYTES) {
      throw SmeltException.checkpoint(
          path + ": expected at least 8 bytes, found " + size, "The file is empty or cut off.");
    }
    ByteBuffer prefix = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    Bytes.readFully(channel, prefix, 0);
    long length = prefix.getLong(0);
    if (length < 0 || length > MAX_HEADER_BYTES) {
      throw SmeltException.checkpoint(
          path
              + ": header length "
              + Long.toUnsignedString(length)
              + ", at most "
              + MAX_HEADER_BYTES
              + " is allowed",
          "This is not a safetensors file, or its start is damaged.");
    }
    if (length > size - Long.BYTES) {
      throw SmeltException.checkpoint(
          path + ": header of " + length + " bytes in a file of " + size + " bytes", HINT);
    }
    ByteBuffer json = ByteBuffer.allocate((int) length);
    Bytes.readFully(channel, json, Long.BYTES);
    return json.array();
  }

  /** Checks that the tensors, in the order of their offsets, cover the data without gaps. */
  private static void checkLayout(
      Path path, List<StoredTensor> tensors, long dataStart, long size, List<String> problems) {
    long expected = dataStart;
    String previous = "the header";
    for (StoredTensor tensor : tensors) {
      if (tensor.offset() != expected) {
        String what = tensor.offset() > expected ? "a gap after " : "overlaps ";
        problems.add(
            "%s: tensor %s: %s%s: expected offset %d, found %d"
                .formatted(
                    path,
                    tensor.name(),
                    what,
                    previous,
                    expected - dataStart,
                    tensor.offset() - dataStart));
      }
      expected = Math.max(expected, tensor.offset() + tensor.bytes());
      previous = tensor.name();
    }
    if (expected != size) {
      problems.add(
          "%s: the tensors end at byte %d, but the file has %d bytes"
              .formatted(path, expected, size));
    }
  }

  /** The file as it was given. */
  public Path path() {
    return path;
  }

  /** The size of the whole file in bytes. */
  public long size() {
    return size;
  }

  /** The string pairs of the header, in its order. */
  public SequencedMap<String, String> metadata() {
    return metadata;
  }

  /** The tensors by name, in the order of their offsets. */
  public SequencedMap<String, StoredTensor> tensors() {
    return tensors;
  }

  /**
   * The values of a tensor of this file: read-only, little endian, aligned as they are in the file.
   * The memory is valid until the file is closed.
   */
  public MemorySegment data(StoredTensor tensor) {
    return mapping().asSlice(tensor.offset(), tensor.bytes());
  }

  /**
   * Gives back the physical memory that reading this file has taken. What was read stays valid;
   * touching it again brings it back, from the system's cache if it is still there.
   */
  void releasePages() {
    MemorySegment mapped = mapping;
    if (mapped.byteSize() > 0) {
      mapped.unload();
    }
  }

  private MemorySegment mapping() {
    if (mapping.equals(MemorySegment.NULL)) {
      synchronized (arena) {
        if (mapping.equals(MemorySegment.NULL)) {
          mapping = map();
        }
      }
    }
    return mapping;
  }

  private MemorySegment map() {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      if (channel.size() != size) {
        throw SmeltException.checkpoint(
            path + ": had " + size + " bytes when it was opened, now " + channel.size(),
            "Another program changed the file; start again when it is done.");
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
    } catch (IOException e) {
      throw Failures.reading(path, e);
    }
  }

  /** Releases the mapping; memory from {@link #data} must not be used any more. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
