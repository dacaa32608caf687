package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Resources;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The objective of the last layer of tiny models, in double precision. */
class PredictionObjectiveTest {
  private static final int[] SOME = {0, 3, 7, 41, 100};

  /** Shows the last layer, half of whose experts are gone, and its tokens. */
  private static void lastLayer(String name, BiConsumer<MoeBlock, PredictionObjective> work) {
    boolean[] shown = {false};
    try (MoeModel model = MoeModel.open(Resources.path("golden/" + name))) {
      int last = model.architecture().layers() - 1;
      Contribution half = new Contribution(model.moeLayers().getFirst().experts().count() / 2);
      LayerEdit edit =
          (layer, block, tokens) -> {
            ReducedBlock reduced = half.reduce(layer, block, tokens);
            if (layer == last) {
              LanguageHead head = model.head(Dtype.F64);
              var objective = new PredictionObjective((LayerTokens) tokens, head, head);
              work.accept(reduced.block(), objective);
              shown[0] = true;
            }
            return reduced;
          };
      new SequentialReduction(model, Dtype.F64, RepairOptions.NONE, 3)
          .run(SequentialReductionTest.batches(model), edit, (_, _) -> {});
    }
    assertThat(shown[0]).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mixtral", "qwen2_moe", "granitemoeshared", "minimax"})
  void gradientsAgreeWithFiniteDifferences(String name) {
    lastLayer(
        name,
        (block, objective) -> {
          Trainable trainable = BlockWeights.of(block, Trained.ALL);
          List<Tensor> gradients;
          try (var recording = Autograd.record()) {
            Tensor loss = objective.loss(trainable.current(), SOME);
            gradients = recording.gradients(loss, trainable.masters());
          }
          Random random = new Random(4);
          for (int m = 0; m < gradients.size(); m++) {
            int element = random.nextInt((int) gradients.get(m).elements());
            double expected = Fixture.slope(trainable, m, element, b -> direct(b, objective, SOME));
            assertThat(gradients.get(m).toDoubles()[element])
                .as("matrix " + m)
                .isEqualTo(expected, within(1e-8));
          }
        });
  }

  /** The divergence from all logits at once. */
  private static double direct(MoeBlock block, PredictionObjective objective, int... tokens) {
    try (var _ = Scope.open()) {
      LayerTokens layer = objective.tokens();
      var rows = layer.rows(tokens);
      Tensor output = block.apply(rows.inputs(), 0, MoeObserver.NONE);
      Tensor after = layer.after(tokens);
      Tensor states = after.add(output.sub(rows.targets()).mul(layer.outputFactor()));
      Tensor known = objective.teacher().logits(after).logSoftmax(-1);
      Tensor predicted = objective.student().logits(states).logSoftmax(-1);
      return known.exp().mul(known.sub(predicted)).sum().item() / tokens.length;
    }
  }

  @Test
  void lossesAreThoseOfAllLogits() {
    lastLayer(
        "qwen2_moe",
        (block, objective) -> {
          int[] heldOut = objective.split().heldOut();
          double expected = direct(block, objective, heldOut);
          assertThat(expected).isPositive();
          assertThat(objective.heldOut(block)).isEqualTo(expected, within(1e-12));
          assertThat(objective.loss(block, heldOut).item()).isEqualTo(expected, within(1e-12));
        });
  }
}
