package dev.smelt.cli.recovery;

/** How a student is trained. */
public enum RecoveryMode {
  /** Each layer towards the teacher's, one layer of each model in memory. */
  LAYERWISE("layerwise"),
  /** The whole student at once, in memory. */
  END_TO_END("end-to-end");

  private final String option;

  RecoveryMode(String option) {
    this.option = option;
  }

  /** The name on the command line. */
  public String option() {
    return option;
  }
}
