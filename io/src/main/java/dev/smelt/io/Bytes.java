package dev.smelt.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;

/** Complete reads and writes at a position. */
final class Bytes {
  private Bytes() {}

  /** Fills the rest of the buffer from the given position of the file. */
  static void readFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int count = channel.read(buffer, at);
      if (count < 0) {
        throw new EOFException("the file ends at byte " + at);
      }
      at += count;
    }
  }

  /** Writes the rest of the buffer at the given position of the file. */
  static void writeFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      at += channel.write(buffer, at);
    }
  }

  /** The bytes after their own length as 64-bit little endian. */
  static byte[] withLength(byte[] content) {
    ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + content.length);
    return buffer.order(ByteOrder.LITTLE_ENDIAN).putLong(content.length).put(content).array();
  }
}
