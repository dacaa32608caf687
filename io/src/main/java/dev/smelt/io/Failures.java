package dev.smelt.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

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
          case EOFException _ -> "it ends too early: " + e.getMessage();
          default -> "cannot be read: " + reason(e);
        };
    return new SmeltException(
        Fault.CHECKPOINT, path + ": " + reason, "Check the path and its permissions.", e);
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
