package dev.smelt.model;

/** The recurrent mixers that a layer may have instead of attention. */
enum MixerKind {
  /** Gated DeltaNet. */
  GATED_DELTA("gated delta rule"),
  /** Kimi Delta Attention. */
  KIMI_DELTA("Kimi delta attention"),
  /** Mamba. */
  MAMBA("Mamba"),
  /** Mamba-2. */
  MAMBA2("Mamba-2"),
  /** Gated short convolution. */
  SHORT_CONVOLUTION("short convolution"),
  /** Lightning attention. */
  LIGHTNING("lightning attention");

  private final String title;

  MixerKind(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }
}
