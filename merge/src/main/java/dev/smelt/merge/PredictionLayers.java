package dev.smelt.merge;

import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.tensor.Scope;
import java.util.List;
import java.util.Set;

/**
 * Layers that predict further tokens (MTP), with fewer experts. They do not run in a calibration,
 * so that their experts are judged by weights alone and are dropped, never merged.
 */
public final class PredictionLayers {
  private PredictionLayers() {}

  /**
   * What becomes of their experts.
   *
   * @param experts that are left in each layer, as in all others
   */
  public static List<LayerReduction> reductions(MoeModel model, int experts) {
    return model.predictionLayers().stream().map(moe -> reduction(model, moe, experts)).toList();
  }

  private static LayerReduction reduction(MoeModel model, MoeLayer moe, int experts) {
    try (var _ = Scope.open()) {
      LayerContext context = LayerContext.withoutStatistics(model, moe);
      double[] scores = DropCriterion.AIMER.scores(context, 0);
      return new LayerReduction(
          moe.layer(), Ranking.top(scores, experts, moe.groups()), Set.of(), false);
    }
  }
}
