package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.model.Evaluation;
import dev.smelt.model.HiddenStates.SequenceLoss;
import dev.smelt.model.MoeModel;
import dev.smelt.routing.CalibrationRun;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.RoutingStatistics.Origin;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Small models, tokens and options for the tests of this module. */
final class Fixtures {
  private Fixtures() {}

  /** Random sequences below a vocabulary of 96. */
  static List<int[]> tokens(int sequences, int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < sequences; i++) {
      all.add(random.ints(length, 0, 96).toArray());
    }
    return all;
  }

  static RoutingStatistics statistics(MoeModel model, List<int[]> tokens) {
    List<LayerStatistics> layers =
        new CalibrationRun(model, Dtype.F32, 512, 128, 0).run(tokens, layer -> {});
    return new RoutingStatistics(origin(model, tokens.size()), layers);
  }

  /** What is known before any token has passed. */
  static RoutingStatistics noStatistics(MoeModel model) {
    return new RoutingStatistics(origin(model, 0), List.of());
  }

  private static Origin origin(MoeModel model, int sequences) {
    return new Origin(
        "test",
        model.checkpoint().fingerprint(),
        "",
        0,
        sequences,
        0,
        "F32",
        model.architecture().hidden(),
        model.architecture().topK());
  }

  static MergeOptions options(int experts, AlignmentMode align) {
    return new MergeOptions(
        experts, Similarity.ROUTER_LOGITS, align, MergeWeights.FREQUENCY, RouterRule.DOMINANT);
  }

  static double loss(MoeModel model, List<int[]> tokens) {
    return Evaluation.losses(model, Dtype.F32, 512, tokens, layer -> {}).stream()
        .mapToDouble(SequenceLoss::sum)
        .sum();
  }
}
