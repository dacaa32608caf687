package dev.smelt.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.zip.CRC32C;

/**
 * One safetensors file while it is written, piece by piece in any order.
 *
 * <p>Each piece has a checksum. As soon as enough pieces have come, or all, they are read back in
 * the background, and the file is synced to disk unless it is being synced already, while the
 * writer goes on. What was written after the last of these syncs is synced in the end.
 */
final class ShardOutput implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final long BATCH_BYTES = 256L << 20;

  /** One buffer for each background thread: there are many small pieces. */
  private static final ThreadLocal<ByteBuffer> READ_BUFFER =
      ThreadLocal.withInitial(ShardOutput::newBuffer);

  /** Bytes that were written, and the checksum that they must have. */
  private record Piece(String tensor, long offset, long bytes, CompletableFuture<Integer> crc) {}

  private final ShardPlan plan;
  private final FileChannel channel;
  private final Executor background;
  private final ByteBuffer buffer;
  private final TreeMap<Long, Long> written = new TreeMap<>();
  private final List<CompletableFuture<Void>> checks = new ArrayList<>();
  private CompletableFuture<Void> sync = CompletableFuture.completedFuture(null);
  private List<Piece> batch = new ArrayList<>();
  private long batchBytes;
  private long missing;

  /**
   * Opens a file that was preallocated.
   *
   * @param buffer a direct buffer that the caller lends for the time of each call
   */
  ShardOutput(ShardPlan plan, Executor background, ByteBuffer buffer) throws IOException {
    this.plan = plan;
    this.background = background;
    this.buffer = buffer;
    this.channel = FileChannel.open(plan.file(), StandardOpenOption.READ, StandardOpenOption.WRITE);
    this.missing = plan.fileBytes() - plan.header().length;
  }

  /** A buffer as the constructor wants it. */
  static ByteBuffer newBuffer() {
    return ByteBuffer.allocateDirect(BUFFER_BYTES);
  }

  /** Creates the file in its full size, with its header. */
  static void preallocate(ShardPlan plan) throws IOException {
    try (FileChannel channel =
        FileChannel.open(plan.file(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      Bytes.writeFully(channel, ByteBuffer.wrap(plan.header()), 0);
      if (plan.fileBytes() > plan.header().length) {
        Bytes.writeFully(channel, ByteBuffer.wrap(new byte[1]), plan.fileBytes() - 1);
      }
    }
  }

  /** Writes values from memory. */
  void write(StoredTensor target, long byteOffset, MemorySegment data) throws IOException {
    long offset = claim(target, byteOffset, data.byteSize());
    CRC32C crc = new CRC32C();
    for (long at = 0; at < data.byteSize(); at += BUFFER_BYTES) {
      int count = (int) Math.min(BUFFER_BYTES, data.byteSize() - at);
      buffer.clear().limit(count);
      MemorySegment.copy(data, at, MemorySegment.ofBuffer(buffer), 0, count);
      crc.update(buffer);
      Bytes.writeFully(channel, buffer.flip(), offset + at);
    }
    int value = (int) crc.getValue();
    add(
        new Piece(
            target.name(), offset, data.byteSize(), CompletableFuture.completedFuture(value)));
  }

  /** Copies bytes of another file inside the operating system. */
  void copy(StoredTensor target, long byteOffset, FileChannel source, long from, long bytes)
      throws IOException {
    long offset = claim(target, byteOffset, bytes);
    CompletableFuture<Integer> crc =
        CompletableFuture.supplyAsync(() -> checksum(source, from, bytes), background);
    channel.position(offset);
    for (long done = 0; done < bytes; ) {
      long count = source.transferTo(from + done, bytes - done, channel);
      if (count <= 0) {
        throw new IOException("the source ends " + (bytes - done) + " bytes too early");
      }
      done += count;
    }
    add(new Piece(target.name(), offset, bytes, crc));
  }

  private long claim(StoredTensor target, long byteOffset, long bytes) {
    long offset = target.offset() + byteOffset;
    Map.Entry<Long, Long> before = written.lowerEntry(offset + bytes);
    if (bytes > 0 && before != null && before.getValue() > offset) {
      throw Failures.bug(
          "tensor "
              + target.name()
              + ": bytes from "
              + byteOffset
              + " to "
              + (byteOffset + bytes)
              + " are written twice");
    }
    if (bytes > 0) {
      written.put(offset, offset + bytes);
    }
    return offset;
  }

  private void add(Piece piece) {
    batch.add(piece);
    batchBytes += piece.bytes;
    missing -= piece.bytes;
    if (missing == 0 || batchBytes >= BATCH_BYTES) {
      submit();
    }
  }

  private void submit() {
    List<Piece> pieces = batch;
    batch = new ArrayList<>();
    batchBytes = 0;
    checks.add(CompletableFuture.runAsync(() -> readBack(pieces), background));
    if (sync.isDone()) {
      sync = sync.thenRunAsync(this::force, background);
    }
  }

  private void force() {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void readBack(List<Piece> pieces) {
    for (Piece piece : pieces) {
      int expected = piece.crc.join();
      int found = checksum(channel, piece.offset, piece.bytes);
      if (expected != found) {
        throw new SmeltException(
            Fault.FAILED,
            "%s: tensor %s: reading back %d bytes gave checksum %08x, expected %08x"
                .formatted(plan.file(), piece.tensor, piece.bytes, found, expected),
            "The disk or the memory is faulty, or another program changed the file.");
      }
    }
  }

  private static int checksum(FileChannel channel, long offset, long bytes) {
    ByteBuffer buffer = READ_BUFFER.get();
    CRC32C crc = new CRC32C();
    try {
      for (long at = 0; at < bytes; at += BUFFER_BYTES) {
        buffer.clear().limit((int) Math.min(BUFFER_BYTES, bytes - at));
        Bytes.readFully(channel, buffer, offset + at);
        crc.update(buffer.flip());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return (int) crc.getValue();
  }

  /** The names of the tensors that are not written completely. */
  List<String> incomplete() {
    return missing == 0
        ? List.of()
        : plan.tensors().stream().filter(this::isIncomplete).map(StoredTensor::name).toList();
  }

  private boolean isIncomplete(StoredTensor tensor) {
    long end = tensor.offset() + tensor.bytes();
    long covered =
        written.subMap(tensor.offset(), end).entrySet().stream()
            .mapToLong(piece -> piece.getValue() - piece.getKey())
            .sum();
    return covered != tensor.bytes();
  }

  /** Waits until everything is on disk and was read back. */
  void finish() {
    if (checks.isEmpty() || !batch.isEmpty()) {
      submit();
    }
    sync.join();
    force();
    checks.forEach(CompletableFuture::join);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
