package dev.smelt.cli;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;

/** Gives every failure its kind, and with it the exit code. */
final class Failures {
  private static final String MEMORY_HINT =
      "free memory or use a machine with more; `--compute bf16` halves what weights need";

  private Failures() {}

  /** The failure as smelt reports it; what nobody expected is a bug. */
  static SmeltException classify(Throwable failure) {
    return switch (failure) {
      case SmeltException known -> known;
      case OutOfMemoryError e ->
          new SmeltException(
              Fault.RESOURCES,
              "out of memory in the Java heap: " + message(e),
              "give it more with SMELT_JAVA_OPTS=-Xmx8g",
              e);
      case UncheckedIOException e -> ofFile(e.getCause());
      case IOException e -> ofFile(e);
      case LinkageError e -> ofLinkage(e);
      case InternalError e when message(e).contains("unsafe memory access") ->
          new SmeltException(
              Fault.CHECKPOINT,
              "a checkpoint file shrank or became unreadable while it was being read",
              "check the disk, and that nothing else writes to the checkpoint",
              e);
      case RuntimeException e when saysOutOfMemory(e) ->
          new SmeltException(
              Fault.RESOURCES,
              "out of memory for tensors: " + firstLine(message(e)),
              MEMORY_HINT,
              e);
      default -> bug(failure);
    };
  }

  private static boolean saysOutOfMemory(Throwable failure) {
    String text = message(failure).toLowerCase(Locale.ROOT);
    return text.contains("not enough memory")
        || text.contains("can't allocate memory")
        || text.contains("cannot allocate memory");
  }

  private static SmeltException ofFile(IOException e) {
    String text = message(e);
    if (text.contains("No space left on device") || text.contains("Disk quota exceeded")) {
      return new SmeltException(
          Fault.RESOURCES, "the disk is full: " + text, "free some space and try again", e);
    }
    if (saysOutOfMemory(e)) {
      return new SmeltException(Fault.RESOURCES, "out of memory: " + text, MEMORY_HINT, e);
    }
    String what =
        switch (e) {
          case NoSuchFileException missing -> "no such file: " + missing.getFile();
          case AccessDeniedException denied -> "permission denied: " + denied.getFile();
          case FileSystemException file -> "cannot use " + file.getMessage();
          default -> "input or output failed: " + text;
        };
    return new SmeltException(Fault.FAILED, what, "", e);
  }

  private static SmeltException ofLinkage(LinkageError e) {
    boolean isNative = e instanceof UnsatisfiedLinkError || message(e).contains("org.bytedeco");
    if (!isNative) {
      return bug(e);
    }
    return new SmeltException(
        Fault.FAILED,
        "cannot load the native matrix library: " + firstLine(message(e)),
        "it is unpacked to ~/.javacpp/cache, which needs about 400 MB that allow execution;"
            + " another place is set with"
            + " SMELT_JAVA_OPTS=-Dorg.bytedeco.javacpp.cachedir=DIRECTORY",
        e);
  }

  private static SmeltException bug(Throwable failure) {
    return new SmeltException(
        Fault.BUG,
        "unexpected " + failure.getClass().getSimpleName() + ": " + message(failure),
        "this is a bug in smelt; please report it with the lines above and the command you ran",
        failure);
  }

  private static String message(Throwable failure) {
    return failure.getMessage() == null ? "no message" : failure.getMessage();
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse(text);
  }
}
