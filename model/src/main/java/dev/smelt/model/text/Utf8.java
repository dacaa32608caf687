package dev.smelt.model.text;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads UTF-8 strictly: a malformed byte is an error that names its place, never a question mark.
 */
final class Utf8 {
  /** The largest text that is tokenized in one piece, in bytes. */
  static final long LIMIT = 1L << 29;

  private Utf8() {}

  /** A whole file. */
  static String read(Path file) {
    try {
      long size = Files.size(file);
      if (size > LIMIT) {
        throw SmeltException.unsupported(
            file + ": " + size + " bytes, more than " + LIMIT + " in one document",
            "split it into several files, or into lines of a .jsonl");
      }
      return decode(Files.readAllBytes(file), file, 0);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Decodes bytes of a file.
   *
   * @param offset where the bytes begin in the file, for messages
   */
  static String decode(byte[] bytes, Path file, long offset) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      throw SmeltException.checkpoint(
          String.format(
              "%s: not UTF-8: malformed byte 0x%02X at byte offset %d",
              file, bytes[in.position()], offset + in.position()),
          "convert the file to UTF-8, for instance with iconv");
    }
    return out.flip().toString();
  }

  static SmeltException unreadable(Path file, IOException e) {
    String reason =
        e instanceof NoSuchFileException ? "no such file" : "cannot be read: " + e.getMessage();
    return new SmeltException(
        Fault.CHECKPOINT, file + ": " + reason, "check the path and its permissions", e);
  }
}
