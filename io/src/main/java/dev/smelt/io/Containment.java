package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Decides whether a file belongs to a checkpoint directory.
 *
 * <p>A link that leaves the directory is refused, so that a checkpoint from a stranger cannot make
 * smelt read or copy other files. The snapshots of the Hugging Face cache are the exception: they
 * are links into the {@code blobs} folder of the same model.
 */
final class Containment {
  private static final String HINT =
      "A checkpoint may only use files of its own directory; copy the file into it.";

  private final Path directory;
  private final Path real;

  private Containment(Path directory, Path real) {
    this.directory = directory;
    this.real = real;
  }

  static Containment of(Path directory) {
    try {
      return new Containment(directory, directory.toRealPath());
    } catch (IOException e) {
      throw Failures.reading(directory, e);
    }
  }

  /** The file of this name, as {@code directory/name}; it must exist and lie inside. */
  Path require(String name) {
    Path relative = path(name).normalize();
    if (name.isEmpty() || relative.isAbsolute() || relative.startsWith("..")) {
      throw SmeltException.checkpoint(
          directory + ": the file name '" + name + "' leaves the directory", HINT);
    }
    return require(directory.resolve(relative));
  }

  private Path path(String name) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new SmeltException(
          Fault.CHECKPOINT, directory + ": '" + name + "' is not a file name", HINT, e);
    }
  }

  /** The same file, which must exist and lie inside after all links are followed. */
  Path require(Path file) {
    if (!Files.exists(file)) {
      String what = Files.exists(file, LinkOption.NOFOLLOW_LINKS) ? "a dangling link" : "missing";
      throw SmeltException.checkpoint(
          file + ": " + what, "Download the checkpoint again, completely.");
    }
    try {
      Path target = file.toRealPath();
      if (!target.startsWith(real) && !isCacheBlob(target)) {
        throw SmeltException.checkpoint(
            file + ": links to " + target + ", outside of the checkpoint directory", HINT);
      }
      return file;
    } catch (IOException e) {
      throw Failures.reading(file, e);
    }
  }

  private boolean isCacheBlob(Path target) {
    Path snapshots = real.getParent();
    if (snapshots == null || !snapshots.endsWith("snapshots")) {
      return false;
    }
    Path model = snapshots.getParent();
    return model != null
        && model.getFileName() != null
        && model.getFileName().toString().startsWith("models--")
        && target.startsWith(model.resolve("blobs"));
  }
}
