package dev.smelt.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** Writes one safetensors file that is not a checkpoint: statistics, masks, states of a run. */
public final class SafetensorsWriter {
  private static final int CHUNK = 1 << 20;

  private SafetensorsWriter() {}

  /**
   * Writes a file; it appears under its name only when it is complete, replacing an older one.
   *
   * @param file the target; its directory must exist
   * @param metadata strings for the header, in order
   * @param tensors what to write; sizes must agree
   */
  public static void write(
      Path file,
      SequencedMap<String, String> metadata,
      SequencedMap<TensorInfo, MemorySegment> tensors) {
    Path target = file.toAbsolutePath();
    Path temporary = target.resolveSibling("." + target.getFileName() + ".tmp");
    ShardPlan plan = ShardPlan.layOut(temporary, metadata, List.copyOf(tensors.keySet()));
    SequencedMap<String, MemorySegment> data = new LinkedHashMap<>();
    tensors.forEach((info, segment) -> data.put(info.name(), segment));
    try {
      Disk.requireSpace(target.getParent(), plan.fileBytes());
      writeAll(plan, data);
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw Failures.writing(file, e);
    } finally {
      deleteQuietly(temporary);
    }
  }

  private static void writeAll(ShardPlan plan, SequencedMap<String, MemorySegment> data)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            plan.file(),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      Bytes.writeFully(channel, ByteBuffer.wrap(plan.header()), 0);
      for (StoredTensor tensor : plan.tensors()) {
        writeTensor(channel, tensor, data.get(tensor.name()));
      }
      channel.force(true);
    }
  }

  private static void writeTensor(FileChannel channel, StoredTensor tensor, MemorySegment data)
      throws IOException {
    if (data.byteSize() != tensor.bytes()) {
      throw Failures.bug(
          "tensor %s: %d bytes given, %d expected"
              .formatted(tensor.name(), data.byteSize(), tensor.bytes()));
    }
    ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(CHUNK, tensor.bytes()));
    for (long at = 0; at < tensor.bytes(); at += CHUNK) {
      int count = (int) Math.min(CHUNK, tensor.bytes() - at);
      MemorySegment.copy(data, at, MemorySegment.ofBuffer(buffer.clear()), 0, count);
      Bytes.writeFully(channel, buffer.limit(count), tensor.offset() + at);
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // The file is a leftover under a hidden name; the failure that led here is reported.
      return;
    }
  }
}
