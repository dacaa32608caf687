package dev.smelt.cli.pipeline;

import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;
import dev.smelt.model.export.ExportOptions;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * What the user chooses for a smaller checkpoint beside its experts.
 *
 * @param requantise whether computed experts become FP8 again
 * @param reducePrediction whether layers that predict further tokens (MTP) are reduced with the
 *     rest; else they are dropped
 * @param ungroup whether the router chooses among all experts instead of those of a few groups
 */
public record OutputForm(boolean requantise, boolean reducePrediction, boolean ungroup) {
  /** Nothing is chosen. */
  public static final OutputForm DEFAULT = new OutputForm(false, false, false);

  /** The choices that are not the default, under their names on the command line. */
  public SequencedMap<String, Object> chosen() {
    SequencedMap<String, Object> chosen = new LinkedHashMap<>();
    if (requantise) {
      chosen.put("requantise", true);
    }
    if (reducePrediction) {
      chosen.put("mtp", "reduce");
    }
    if (ungroup) {
      chosen.put("ungroup", true);
    }
    return chosen;
  }

  ExportOptions export() {
    return new ExportOptions(requantise, reducePrediction);
  }

  /** Refuses what would have no effect on a model. */
  void requireFits(MoeModel model) {
    String directory = model.checkpoint().directory().toString();
    if (requantise && model.moeLayers().stream().noneMatch(moe -> moe.experts().isQuantised())) {
      throw SmeltException.usage(
          directory + ": --requantise, but the experts are not quantised", "leave it out");
    }
    if (reducePrediction && model.predictionTensors().isEmpty()) {
      throw SmeltException.usage(
          directory + ": --mtp reduce, but no layer predicts further tokens", "leave it out");
    }
  }
}
