package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Space on disk. */
final class Disk {
  private Disk() {}

  /** Refuses to start what cannot fit beside the given directory, which need not exist yet. */
  static void requireSpace(Path directory, long bytes) {
    long available = available(directory);
    if (bytes > available) {
      throw new SmeltException(
          Fault.RESOURCES,
          "%s: needs %,d bytes of disk, %,d are available".formatted(directory, bytes, available),
          "Free some space or choose an output on another disk.");
    }
  }

  /** The bytes that may be written where the directory is or will be. */
  static long available(Path directory) {
    Path existing = directory.toAbsolutePath();
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    try {
      return Files.getFileStore(existing).getUsableSpace();
    } catch (IOException e) {
      throw Failures.writing(directory, e);
    }
  }
}
