package dev.smelt.cli.pipeline;

import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;
import dev.smelt.routing.repair.RepairOptions;
import java.util.Locale;

/** What is done to each layer after its experts were merged or dropped. */
public enum Repair {
  /** Nothing. */
  NONE,
  /** Down projections are refitted in closed form. */
  REFIT,
  /** Refit, then a short gradient fit of the layer. */
  FIT;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Refuses a repair of layers that cannot have one.
   *
   * @throws SmeltException (unsupported) if layers do more with the output of their experts than to
   *     add it
   */
  public void requireFits(MoeModel model) {
    if (this != NONE && !model.addsExperts()) {
      throw SmeltException.unsupported(
          "--repair %s: layers of %s do more with the output of their experts than to add it"
              .formatted(option(), model.architecture().family().modelType()),
          "choose --repair none");
    }
  }

  /**
   * How it is done.
   *
   * @param tokens how many there are to learn from
   */
  RepairOptions options(long tokens) {
    return switch (this) {
      case NONE -> RepairOptions.NONE;
      case REFIT -> RepairOptions.REFIT;
      case FIT -> RepairOptions.fit(tokens);
    };
  }
}
