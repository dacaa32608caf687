package dev.smelt.compress;

/**
 * An option that a method understands, as the command line shows it.
 *
 * @param name in kebab case, without dashes
 * @param label what stands for the value in the help; empty for a flag
 * @param description one sentence or two, with the default
 */
public record MethodOption(String name, String label, String description) {
  /** An option without a value. */
  public static MethodOption flag(String name, String description) {
    return new MethodOption(name, "", description);
  }

  /** Whether the option has no value. */
  public boolean isFlag() {
    return label.isEmpty();
  }
}
