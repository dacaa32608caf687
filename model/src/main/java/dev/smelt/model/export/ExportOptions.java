package dev.smelt.model.export;

/**
 * What the user chooses for an output beside its experts.
 *
 * @param requantise whether experts that are computed are rounded to FP8 again where the source has
 *     FP8; else all experts of their layers are written in BF16
 * @param predictionLayers whether layers that predict further tokens (MTP) are written; else they
 *     are left out, and config.json says that there are none
 */
public record ExportOptions(boolean requantise, boolean predictionLayers) {
  /** BF16, and no layers that predict further tokens. */
  public static final ExportOptions DEFAULTS = new ExportOptions(false, false);
}
