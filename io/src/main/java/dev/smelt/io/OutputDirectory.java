package dev.smelt.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * A directory that appears under its name only when it is complete.
 *
 * <p>Until then it has a hidden temporary name beside the target. It is removed when it is given
 * up, and also when the process is interrupted; every change of the file system takes the lock of
 * this object, so that the removal never meets a half-done step.
 */
final class OutputDirectory {
  private static final AtomicLong COUNTER = new AtomicLong();

  /** A step that changes the directory. */
  @FunctionalInterface
  interface Step {
    void run() throws IOException;
  }

  private final Path target;
  private final Path temporary;
  private final Path replaced;
  private final boolean force;
  private final List<Path> createdParents = new ArrayList<>();
  private final Thread hook = new Thread(this::discard, "smelt-cleanup");
  private boolean open;

  private OutputDirectory(Path target, Path parent, boolean force) {
    this.target = target;
    this.force = force;
    String prefix = "." + target.getFileName() + ".smelt-";
    String suffix = ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
    this.temporary = parent.resolve(prefix + suffix);
    this.replaced = parent.resolve(prefix + "old-" + suffix);
  }

  /**
   * Checks the target and creates the temporary directory.
   *
   * @param bytes the least number of bytes that will be written
   */
  static OutputDirectory create(Path target, boolean force, long bytes) {
    OutputDirectory directory = checked(target, force);
    Path parent = directory.temporary.getParent();
    Disk.requireSpace(parent, bytes);
    try {
      directory.begin(parent);
    } catch (IOException e) {
      directory.discard();
      throw Failures.writing(target, e);
    }
    return directory;
  }

  /** An output whose target may be written; nothing is created. */
  static OutputDirectory checked(Path target, boolean force) {
    Path absolute = target.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    if (parent == null) {
      throw SmeltException.usage(target + ": cannot be an output directory", "Name a new one.");
    }
    OutputDirectory directory = new OutputDirectory(absolute, parent, force);
    directory.checkTarget();
    return directory;
  }

  private void checkTarget() {
    if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!force) {
      throw SmeltException.usage(
          target + ": exists already", "Choose another output, or replace it with --force.");
    }
    if (!isReplaceable(target)) {
      throw SmeltException.usage(
          target + ": is not a checkpoint directory, and --force replaces nothing else",
          "Choose another output.");
    }
  }

  /** Protects a home directory or a source tree from a mistyped output with --force. */
  private static boolean isReplaceable(Path target) {
    if (!Files.isDirectory(target)) {
      return false;
    }
    try (Stream<Path> entries = Files.list(target)) {
      List<String> names = entries.map(entry -> String.valueOf(entry.getFileName())).toList();
      return names.isEmpty()
          || names.contains("smelt-report.json")
          || names.stream().anyMatch(name -> name.endsWith(".safetensors"));
    } catch (IOException e) {
      throw Failures.writing(target, e);
    }
  }

  private synchronized void begin(Path parent) throws IOException {
    for (Path path = parent; path != null && !Files.exists(path); path = path.getParent()) {
      createdParents.add(path);
    }
    Runtime.getRuntime().addShutdownHook(hook);
    open = true;
    Files.createDirectories(parent);
    Files.createDirectory(temporary);
  }

  /** Where the files are written. */
  Path temporary() {
    return temporary;
  }

  /** Where they will be in the end. */
  Path target() {
    return target;
  }

  /** Runs a step that creates or changes files, unless the directory was given up. */
  synchronized void change(Step step) {
    if (!open) {
      throw new SmeltException(Fault.INTERRUPTED, target + ": interrupted", "");
    }
    try {
      step.run();
    } catch (IOException e) {
      throw Failures.writing(target, e);
    }
  }

  /** Gives the directory its name; an old target is removed when the new one is in place. */
  void publish() {
    change(
        () -> {
          checkTarget();
          sync(temporary);
          boolean exists = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
          if (exists) {
            Files.move(target, replaced, StandardCopyOption.ATOMIC_MOVE);
          }
          try {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
          } catch (IOException e) {
            if (exists) {
              Files.move(replaced, target, StandardCopyOption.ATOMIC_MOVE);
            }
            throw e;
          }
          createdParents.clear();
          sync(temporary.resolveSibling("."));
          delete(replaced);
        });
    discard();
  }

  /** Removes what is left of the temporary directory; without effect when nothing is. */
  synchronized void discard() {
    if (!open) {
      return;
    }
    open = false;
    try {
      delete(temporary);
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        delete(replaced);
      }
      for (Path parent : createdParents) {
        Files.deleteIfExists(parent);
      }
    } catch (DirectoryNotEmptyException e) {
      // Another program has put something beside the target: it stays.
    } catch (IOException e) {
      throw Failures.writing(temporary, e);
    } finally {
      removeHook();
    }
  }

  private void removeHook() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending: the hook is what runs now.
    }
  }

  /** Makes the names in a directory durable, where the system can do that. */
  private static void sync(Path directory) {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Some systems cannot open directories; they do not need it either.
    }
  }

  private static void delete(Path tree) throws IOException {
    if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> entries = Files.walk(tree)) {
      for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(entry);
      }
    }
  }
}
