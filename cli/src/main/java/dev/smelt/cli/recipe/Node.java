package dev.smelt.cli.recipe;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** A value in a recipe, with the line where it begins; line 0 is the command line. */
sealed interface Node {
  /** The line of a value that was set on the command line. */
  int COMMAND_LINE = 0;

  int line();

  /** What it is, for messages. */
  String kind();

  /**
   * A single value.
   *
   * @param text the value without quotes
   * @param isString whether it is text, not a number or a truth value
   */
  record Scalar(int line, String text, boolean isString) implements Node {
    @Override
    public String kind() {
      return isString ? "text" : text;
    }
  }

  /** A list. */
  record Items(int line, List<Node> items) implements Node {
    public Items {
      items = List.copyOf(items);
    }

    @Override
    public String kind() {
      return "a list";
    }
  }

  /** Named values in the order of the file. */
  record Fields(int line, SequencedMap<String, Node> fields) implements Node {
    public Fields {
      fields = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(fields));
    }

    @Override
    public String kind() {
      return "a mapping";
    }

    /** The same fields with one replaced, or added at the end. */
    Fields with(String name, Node value) {
      SequencedMap<String, Node> changed = new LinkedHashMap<>(fields);
      changed.put(name, value);
      return new Fields(line, changed);
    }
  }
}
