package dev.smelt.routing.repair;

import java.util.Optional;

/**
 * How layers are repaired.
 *
 * @param refit the closed form, if it is wanted
 * @param fit the gradient fit after it, if it is wanted
 */
public record RepairOptions(Optional<RefitOptions> refit, Optional<FitOptions> fit) {
  /** Layers stay as they were edited. */
  public static final RepairOptions NONE = new RepairOptions(Optional.empty(), Optional.empty());

  /** The closed form alone. */
  public static final RepairOptions REFIT =
      new RepairOptions(Optional.of(RefitOptions.DEFAULT), Optional.empty());

  /**
   * The closed form, then the gradient fit.
   *
   * @param tokens how many there are to learn from
   */
  public static RepairOptions fit(long tokens) {
    return new RepairOptions(
        Optional.of(RefitOptions.DEFAULT), Optional.of(FitOptions.forTokens(tokens)));
  }
}
