package dev.smelt.merge;

import java.util.Locale;

/** An option that few merge methods have; each has its field in {@link MergeOptions}. */
public enum MergeOption {
  /** How many experts join one at most. */
  GROUP_SIZE,
  /** How far apart two clusters are. */
  LINKAGE,
  /** As published, or as the authors' code has it. */
  VARIANT;

  /** The name on the command line, without dashes. */
  public String option() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** What was chosen, as it stands on the command line. */
  Object of(MergeOptions options) {
    return switch (this) {
      case GROUP_SIZE -> options.groupSize();
      case LINKAGE -> options.linkage().option();
      case VARIANT -> options.variant().option();
    };
  }
}
