package dev.smelt.cli.console;

import java.util.Map;

/**
 * What is at the other end of the standard streams.
 *
 * @param stdout whether standard output is a terminal
 * @param stderr whether standard error is a terminal
 * @param colors whether the user wants colours on terminals (see https://no-color.org)
 */
public record Terminal(boolean stdout, boolean stderr, boolean colors) {
  /** Neither stream is a terminal. */
  public static final Terminal NONE = new Terminal(false, false, false);

  /** What the launcher found out, and what the environment asks for. */
  static Terminal detect(Map<String, String> environment) {
    boolean colors =
        environment.getOrDefault("NO_COLOR", "").isEmpty()
            && !environment.getOrDefault("TERM", "").equals("dumb");
    return new Terminal(
        Boolean.getBoolean("smelt.terminal.stdout"),
        Boolean.getBoolean("smelt.terminal.stderr"),
        colors);
  }
}
