package dev.smelt.cli.command;

import dev.smelt.cli.pipeline.OutputForm;
import picocli.CommandLine.Option;

/** What else a smaller checkpoint looks like. */
public final class FormOptions {
  /** What becomes of layers that predict further tokens. */
  enum Prediction {
    /** Left out; config.json says that there are none. */
    DROP,
    /** As many experts as in the other layers. */
    REDUCE
  }

  @Option(
      names = "--requantise",
      order = 30,
      description =
          "Write computed experts of an FP8 model in FP8 again. Default: all experts of a layer"
              + " with computed ones in BF16. Copied experts stay as they are.")
  private boolean requantise;

  @Option(
      names = "--mtp",
      order = 31,
      paramLabel = "HOW",
      defaultValue = "drop",
      converter = KebabCase.ToPrediction.class,
      description =
          "Layers that predict further tokens: drop, or reduce (as many experts as elsewhere,"
              + " chosen by their weights). Default: ${DEFAULT-VALUE}.")
  private Prediction prediction = Prediction.DROP;

  @Option(
      names = "--ungroup",
      order = 32,
      description =
          "Let the router choose among all experts instead of those of a few groups"
              + " (n_group = topk_group = 1). Changes what the model computes.")
  private boolean ungroup;

  /** The choices. */
  OutputForm form() {
    return new OutputForm(requantise, prediction == Prediction.REDUCE, ungroup);
  }
}
