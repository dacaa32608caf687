package dev.smelt.model.mixer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients of whole mixers with respect to their input, against finite differences in F64. */
class MixerGradientTest {
  private static final double STEP = 1e-5;
  private static final int LENGTH = 70;

  static List<MixerCase> cases() {
    return MixerCase.all().stream().filter(c -> c.layer() == 0).toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithFiniteDifferences(MixerCase c) {
    Random random = new Random(5);
    try (var checkpoint = Checkpoint.open(c.directory());
        var _ = Scope.open()) {
      Mixer mixer = c.load(checkpoint, Dtype.F64);
      Tensor input = gaussian(random);
      Tensor direction = gaussian(random);
      Tensor weights = gaussian(random);
      double slope = gradient(mixer, input, weights).mul(direction).sum().item();
      double above = loss(mixer, input.addScaled(direction, STEP), weights).item();
      double below = loss(mixer, input.addScaled(direction, -STEP), weights).item();
      double expected = (above - below) / (2 * STEP);
      assertThat(slope).as(c.toString()).isCloseTo(expected, within(1e-5 * Math.abs(expected)));
    }
  }

  /** Recording changes how a mixer computes, but not what. */
  @ParameterizedTest
  @MethodSource("cases")
  void recordingDoesNotChangeTheResult(MixerCase c) {
    try (var checkpoint = Checkpoint.open(c.directory());
        var _ = Scope.open()) {
      Mixer mixer = c.load(checkpoint, Dtype.F64);
      Tensor input = gaussian(new Random(6));
      Tensor expected = mixer.apply(input);
      try (var _ = Autograd.record()) {
        assertThat(mixer.apply(input).sub(expected).maxAbs()).isLessThan(1e-12);
      }
    }
  }

  private static Tensor gradient(Mixer mixer, Tensor input, Tensor weights) {
    Tensor leaf = input.copy();
    Autograd.require(leaf);
    try (var recording = Autograd.record()) {
      return recording.gradients(loss(mixer, leaf, weights), List.of(leaf)).get(0);
    }
  }

  private static Tensor loss(Mixer mixer, Tensor input, Tensor weights) {
    return mixer.apply(input).mul(weights).sum();
  }

  private static Tensor gaussian(Random random) {
    double[] values = random.doubles(2L * LENGTH * 32).map(_ -> random.nextGaussian()).toArray();
    return Tensors.ofDoubles(values, 2, LENGTH, 32);
  }
}
