package dev.smelt.model.text;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One file of text or token ids.
 *
 * <p>An argument that names a directory or a glob becomes several sources, in sorted order. They
 * share the weight of the argument in proportion to their token counts, so that naming a directory
 * means the same as naming one file with the same text.
 *
 * @param argument what the user wrote, weight included
 * @param path the file
 * @param weight the weight of the argument against other arguments, finite and above 0; 1 if none
 *     was written
 */
public record TextSource(String argument, Path path, double weight) {
  private static final Pattern WEIGHTED =
      Pattern.compile("(.+):((?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)", Pattern.DOTALL);

  /** Checks the weight and the kind of the file. */
  public TextSource {
    if (!(weight > 0) || Double.isInfinite(weight)) {
      throw SmeltException.usage(
          "text " + argument + ": weight " + weight + " is not a positive number",
          "write a weight above 0, such as file.txt:0.7");
    }
    if (TextKind.of(path).isEmpty()) {
      throw SmeltException.usage(
          path + ": unknown kind of text file", "smelt reads files named " + TextKind.suffixes());
    }
  }

  /** What the file holds. */
  public TextKind kind() {
    return TextKind.of(path).orElseThrow();
  }

  /**
   * Reads the arguments {@code FILE[:WEIGHT]}; FILE may be a directory (its own files, not those of
   * folders in it) or a glob with {@code * ? [ ] { }} and {@code **}.
   *
   * <p>What follows the last colon is a weight only if it is written as a number and no file has
   * the whole argument as its name.
   *
   * @return the files, in the order of the arguments, sorted by path within one argument
   * @throws SmeltException with all problems at once: nothing there, no file of a known kind, a
   *     file named twice
   */
  public static List<TextSource> parse(List<String> arguments) {
    SequencedMap<Path, TextSource> sources = new LinkedHashMap<>();
    List<SmeltException> problems = new ArrayList<>();
    for (String argument : arguments) {
      try {
        parse(argument).forEach(source -> add(sources, source));
      } catch (SmeltException problem) {
        problems.add(problem);
      }
    }
    if (!problems.isEmpty()) {
      SmeltException first = problems.getFirst();
      List<String> messages = problems.stream().map(SmeltException::getMessage).toList();
      throw SmeltException.all(first.fault(), messages, first.hint());
    }
    return List.copyOf(sources.values());
  }

  private static List<TextSource> parse(String argument) {
    try {
      Matcher weighted = WEIGHTED.matcher(argument);
      boolean hasWeight = weighted.matches() && !SourcePaths.exists(argument);
      String name = hasWeight ? weighted.group(1) : argument;
      double weight = hasWeight ? Double.parseDouble(weighted.group(2)) : 1;
      return SourcePaths.expand(name).stream()
          .map(path -> new TextSource(argument, path, weight))
          .toList();
    } catch (InvalidPathException e) {
      throw new SmeltException(
          Fault.USAGE,
          "text " + argument + ": not a path: " + e.getReason(),
          "name a file, a directory or a glob",
          e);
    }
  }

  private static void add(SequencedMap<Path, TextSource> sources, TextSource source) {
    TextSource earlier = sources.putIfAbsent(source.path().toAbsolutePath().normalize(), source);
    if (earlier != null) {
      throw SmeltException.usage(
          source.path() + ": named twice, by " + earlier.argument() + " and " + source.argument(),
          "name each file once; to count it more, give it a weight");
    }
  }
}
