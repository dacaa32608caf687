package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Directories with all that is in them. */
public final class FileTrees {
  private FileTrees() {}

  /**
   * Removes a file or directory, if it is there.
   *
   * @throws SmeltException (failed) if something cannot be removed
   */
  public static void delete(Path path) {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> files = Files.walk(path)) {
      List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
      for (Path file : deepestFirst) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new SmeltException(
          Fault.FAILED, path + ": cannot be removed: " + e.getMessage(), "remove it by hand", e);
    }
  }
}
