package dev.smelt.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Turns failures of the file system into messages for users. */
final class Failures {
  private static final int SHOWN = 20;

  private Failures() {}

  /** The exception for an input that cannot be read. */
  static SmeltException reading(Path path, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException _ -> "no such file";
          case AccessDeniedException _ -> "no permission to read it";
          case CharacterCodingException _ -> "is not UTF-8 text";
          case EOFException _ -> "it ends too early: " + e.getMessage();
          default -> "cannot be read: " + reason(e);
        };
    return new SmeltException(
        Fault.CHECKPOINT, path + ": " + reason, "Check the path and its permissions.", e);
  }

  /** The exception for an output that cannot be written. */
  static SmeltException writing(Path path, IOException e) {
    if (isDiskFull(e)) {
      return new SmeltException(
          Fault.RESOURCES,
          "%s: the disk is full: %s; %,d bytes are available"
              .formatted(path, reason(e), Disk.available(path)),
          "Free some space or choose an output on another disk.",
          e);
    }
    String reason =
        switch (e) {
          case AccessDeniedException _ -> "no permission";
          case FileAlreadyExistsException taken -> taken.getFile() + " is a file";
          default -> reason(e);
        };
    return new SmeltException(
        Fault.FAILED,
        path + ": cannot be written: " + reason,
        "Check the path and its permissions.",
        e);
  }

  private static boolean isDiskFull(IOException e) {
    String reason = reason(e).toLowerCase(Locale.ROOT);
    return reason.contains("no space left")
        || reason.contains("quota exceeded")
        || reason.contains("not enough space");
  }

  /** The exception for a misuse by smelt's own code. */
  static SmeltException bug(String message) {
    return new SmeltException(
        Fault.BUG, message, "Please report this with the command that you ran.");
  }

  /** The first problems, and how many more there are. */
  static List<String> shortened(List<String> problems) {
    if (problems.size() <= SHOWN) {
      return problems;
    }
    List<String> shown = new ArrayList<>(problems.subList(0, SHOWN));
    shown.add("... and " + (problems.size() - SHOWN) + " more of this kind");
    return shown;
  }

  static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
