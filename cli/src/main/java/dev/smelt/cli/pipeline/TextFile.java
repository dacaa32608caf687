package dev.smelt.cli.pipeline;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Single result files that a command is asked for. */
public final class TextFile {
  private TextFile() {}

  /**
   * Checks before the work that a file can be placed where it is asked for.
   *
   * @throws SmeltException if its directory does not exist or it is a directory itself
   */
  public static void requireDirectory(Path file) {
    Path directory = file.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw SmeltException.usage("-o " + file + ": its directory does not exist", "create it");
    }
    if (Files.isDirectory(file)) {
      throw SmeltException.usage("-o " + file + ": is a directory", "name a file");
    }
  }

  /** Writes a file so that it is there completely or not at all; an older one is replaced. */
  public static void write(Path file, String text) {
    Path hidden = file.resolveSibling("." + file.getFileName() + ".part");
    try {
      Files.writeString(hidden, text, StandardCharsets.UTF_8);
      Files.move(hidden, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new SmeltException(
          Fault.FAILED,
          file + ": cannot be written: " + e.getMessage(),
          "check the path and its permissions",
          e);
    }
  }
}
