package dev.smelt.model.text;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/** Turns the name of a file, a directory or a glob into files. */
final class SourcePaths {
  private static final Pattern GLOB = Pattern.compile("[*?\\[{]");

  private SourcePaths() {}

  static boolean exists(String name) {
    return Files.exists(Path.of(name));
  }

  /** The files behind a name: itself, or those of a known kind in a directory or glob, sorted. */
  static List<Path> expand(String name) {
    if (name.isEmpty()) {
      throw SmeltException.usage("text: empty file name", "name a file, a directory or a glob");
    }
    try {
      if (exists(name)) {
        Path path = Path.of(name);
        return Files.isDirectory(path) ? list(name, path) : List.of(path);
      }
      if (GLOB.matcher(name).find()) {
        return glob(name);
      }
    } catch (IOException | UncheckedIOException e) {
      throw new SmeltException(
          Fault.CHECKPOINT,
          name + ": cannot be listed: " + e.getMessage(),
          "check its permissions",
          e);
    }
    throw SmeltException.checkpoint(
        name + ": no such text file or directory",
        "check the path; a weight after the last colon is a positive number");
  }

  private static List<Path> list(String name, Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return known(name, files);
    }
  }

  private static List<Path> glob(String pattern) throws IOException {
    PathMatcher matcher = matcher(pattern);
    Path start = fixedPart(pattern);
    if (!Files.isDirectory(start)) {
      return known(pattern, Stream.empty());
    }
    int depth = pattern.contains("**") ? Integer.MAX_VALUE : depthBelow(start, pattern);
    try (Stream<Path> files = Files.walk(start, depth, FileVisitOption.FOLLOW_LINKS)) {
      return known(pattern, files.filter(matcher::matches));
    }
  }

  private static PathMatcher matcher(String pattern) {
    try {
      return FileSystems.getDefault().getPathMatcher("glob:" + pattern);
    } catch (PatternSyntaxException e) {
      throw new SmeltException(
          Fault.USAGE,
          pattern + ": not a glob: " + e.getDescription(),
          "close every bracket and brace",
          e);
    }
  }

  /** The directory before the first glob character. */
  private static Path fixedPart(String pattern) {
    var first = GLOB.matcher(pattern);
    int end = first.find() ? first.start() : pattern.length();
    return Path.of(pattern.substring(0, pattern.lastIndexOf('/', end) + 1));
  }

  private static int depthBelow(Path start, String pattern) {
    String rest = pattern.substring(Math.min(pattern.length(), start.toString().length()));
    return (int) rest.chars().filter(c -> c == '/').count() + 1;
  }

  private static List<Path> known(String name, Stream<Path> candidates) {
    List<Path> files =
        candidates
            .filter(path -> TextKind.of(path).isPresent())
            .filter(path -> !path.getFileName().toString().startsWith("."))
            .filter(Files::isRegularFile)
            .sorted(Comparator.comparing(Path::toString))
            .toList();
    if (files.isEmpty()) {
      throw SmeltException.checkpoint(
          name + ": holds no text files", "smelt reads files named " + TextKind.suffixes());
    }
    return files;
  }
}
