package dev.smelt.model.export;

import java.util.OptionalLong;

/**
 * What the user chooses for an output beside its experts.
 *
 * @param requantise whether experts that are computed are rounded to FP8 again where the source has
 *     FP8; else all experts of their layers are written in BF16
 * @param predictionLayers whether layers that predict further tokens (MTP) are written; else they
 *     are left out, and config.json says that there are none
 * @param width neurons of every expert, all of which are computed; empty for as many as before
 */
public record ExportOptions(boolean requantise, boolean predictionLayers, OptionalLong width) {
  /** BF16, and no layers that predict further tokens. */
  public static final ExportOptions DEFAULTS = new ExportOptions(false, false);

  /** Experts as wide as they are. */
  public ExportOptions(boolean requantise, boolean predictionLayers) {
    this(requantise, predictionLayers, OptionalLong.empty());
  }

  /** The same with another width of all experts. */
  public ExportOptions withWidth(long other) {
    return new ExportOptions(requantise, predictionLayers, OptionalLong.of(other));
  }
}
