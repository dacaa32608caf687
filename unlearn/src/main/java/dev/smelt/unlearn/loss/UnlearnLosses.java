package dev.smelt.unlearn.loss;

import dev.smelt.io.SmeltException;
import java.util.List;

/** Every unlearning loss, in the order in which help and messages list them. */
public final class UnlearnLosses {
  private static final List<UnlearnLoss> ALL =
      List.of(
          new GradientAscent(),
          new GradientDifference(),
          new Npo(),
          new SimNpo(),
          new Rmu(),
          new AdaptiveRmu());

  private UnlearnLosses() {}

  /** All losses. */
  public static List<UnlearnLoss> all() {
    return ALL;
  }

  /**
   * The loss of this name.
   *
   * @throws SmeltException if there is none
   */
  public static UnlearnLoss named(String name) {
    return ALL.stream()
        .filter(loss -> loss.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                SmeltException.usage(
                    "unknown loss '" + name + "'",
                    "choose one of "
                        + String.join(", ", ALL.stream().map(UnlearnLoss::name).toList())));
  }
}
