package dev.smelt.unlearn.measure;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeModel;
import dev.smelt.unlearn.attribution.ExpertId;
import dev.smelt.unlearn.loss.GradientDifference;
import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.training.Check;
import dev.smelt.unlearn.training.Scale;
import dev.smelt.unlearn.training.SequenceSplit;
import dev.smelt.unlearn.training.StopRule;
import dev.smelt.unlearn.training.TrainData;
import dev.smelt.unlearn.training.TrainOptions;
import dev.smelt.unlearn.training.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * How fast a forgotten text comes back: all weights are fine-tuned on one half of its sequences,
 * and the loss of the other half is watched. Knowledge that is gone comes back as slowly as it was
 * learnt; knowledge that is hidden comes back in a few steps.
 *
 * @param compute element type of the forward pass
 * @param batchTokens tokens that go through a layer together
 * @param steps steps of fine-tuning
 * @param rate learning rate of Adam
 * @param seed of the order of the sequences
 */
public record Relearning(Dtype compute, int batchTokens, int steps, double rate, long seed) {
  private static final int LOOKS = 5;

  /**
   * The loss after some steps.
   *
   * @param step steps made
   * @param loss of the half that was not fine-tuned on, in nats per token
   */
  public record Point(int step, double loss) {}

  /**
   * Fine-tunes a model, in memory only.
   *
   * @param sequences of the forget set, at least two
   * @param progress is told the steps that were made
   */
  public List<Point> run(MoeModel model, List<int[]> sequences, IntConsumer progress) {
    List<int[]> learnt = new ArrayList<>();
    List<int[]> watched = new ArrayList<>();
    for (int i = 0; i < sequences.size(); i++) {
      (i % 2 == 0 ? learnt : watched).add(sequences.get(i));
    }
    SequenceSplit one = new SequenceSplit(learnt.subList(0, 1), watched.subList(0, 1));
    TrainData data = new TrainData(one, Optional.of(new SequenceSplit(learnt, watched)));
    TrainOptions options =
        TrainOptions.of(new GradientDifference())
            .with(new LossConstants(0, 1, 0, 0, 0))
            .withAnchor(0)
            .with(rate, steps, 8, Math.max(1, steps / LOOKS))
            .with(TrainOptions.CLIP, seed, TrainOptions.of(new GradientDifference()).memoryLimit());
    StopRule never = StopRule.parse("forget=+1000000");
    ExpertId any = new ExpertId(model.moeLayers().getFirst().layer(), 0);
    try (Trainer trainer =
        new Trainer(model, compute, batchTokens, Scale.ALL, List.of(any), data, options, never)) {
      return trainer.run(check -> progress.accept(check.step())).checks().stream()
          .map(Relearning::point)
          .toList();
    }
  }

  private static Point point(Check check) {
    return new Point(check.step(), check.heldOut().retain().orElseThrow());
  }
}
