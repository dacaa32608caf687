package dev.smelt.cli.pipeline;

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

  RepairOptions options() {
    return switch (this) {
      case NONE -> RepairOptions.NONE;
      case REFIT -> RepairOptions.REFIT;
      case FIT -> RepairOptions.FIT;
    };
  }
}
