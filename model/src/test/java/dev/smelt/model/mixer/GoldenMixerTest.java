package dev.smelt.model.mixer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.Resources;
import dev.smelt.model.RmsNorm;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Recurrent layers against what transformers 5.18 computes on tiny random checkpoints. */
class GoldenMixerTest {
  private static final double TOLERANCE = 1e-4;
  private static final double EPSILON = 1e-3;

  static List<MixerCase> cases() {
    return MixerCase.all();
  }

  /** From the input of the layer, through its norm, to the output of the mixer. */
  @ParameterizedTest
  @MethodSource("cases")
  void agreesOnTheInputOfTheLayer(MixerCase c) {
    try (var checkpoint = Checkpoint.open(c.directory());
        var golden = SafetensorsFile.open(c.directory().resolve("golden.safetensors"));
        var mixed = mixed(c);
        var _ = Scope.open()) {
      Tensor input = norm(c, checkpoint).apply(read(golden, "layer_in." + c.layer()));
      Tensor output = c.load(checkpoint, Dtype.F32).apply(input);
      Tensor all = read(mixed, "mixer_out." + c.layer());
      assertClose(output, all.narrow(0, 0, 1).narrow(1, 0, input.size(1)), TOLERANCE, c);
      find(golden, "attn_out." + c.layer())
          .ifPresent(expected -> assertClose(output, expected, TOLERANCE, c));
    }
  }

  /** Two sequences, longer than a chunk. */
  @ParameterizedTest
  @MethodSource("cases")
  void agreesOnSequencesOfMoreThanAChunk(MixerCase c) {
    try (var checkpoint = Checkpoint.open(c.directory());
        var mixed = mixed(c);
        var _ = Scope.open()) {
      Tensor input = read(mixed, "mixer_in." + c.layer());
      Tensor expected = read(mixed, "mixer_out." + c.layer());
      assertClose(c.load(checkpoint, Dtype.F32).apply(input), expected, TOLERANCE, c);
      Tensor wide = c.load(checkpoint, Dtype.F64).apply(input.to(Dtype.F64));
      assertThat(wide.dtype()).isEqualTo(Dtype.F64);
      assertClose(wide, expected.to(Dtype.F64), TOLERANCE, c);
    }
  }

  /** The distance is that of three digits, relative to the largest value. */
  @ParameterizedTest
  @MethodSource("cases")
  void computesInBfloat16(MixerCase c) {
    try (var checkpoint = Checkpoint.open(c.directory());
        var mixed = mixed(c);
        var _ = Scope.open()) {
      Tensor input = read(mixed, "mixer_in." + c.layer());
      Tensor expected = read(mixed, "mixer_out." + c.layer());
      Tensor output = c.load(checkpoint, Dtype.BF16).apply(input.to(Dtype.BF16));
      assertThat(output.dtype()).isEqualTo(Dtype.BF16);
      assertClose(output.to(Dtype.F32), expected, 0.04 * expected.maxAbs(), c);
    }
  }

  /** What stands to the right, here noise, does not change what stands to the left. */
  @ParameterizedTest
  @MethodSource("cases")
  void paddingOnTheRightChangesNothing(MixerCase c) {
    try (var checkpoint = Checkpoint.open(c.directory());
        var mixed = mixed(c);
        var _ = Scope.open()) {
      Tensor input = read(mixed, "mixer_in." + c.layer()).to(Dtype.F64);
      Mixer mixer = c.load(checkpoint, Dtype.F64);
      Tensor alone = input.narrow(1, 0, 70);
      Tensor padded = Tensors.concat(List.of(alone, input.mul(1e3)), 1);
      assertClose(mixer.apply(padded).narrow(1, 0, 70), mixer.apply(alone), 1e-11, c);
    }
  }

  private static SafetensorsFile mixed(MixerCase c) {
    return SafetensorsFile.open(Resources.path("mixer/" + c.name() + ".safetensors"));
  }

  private static RmsNorm norm(MixerCase c, Checkpoint checkpoint) {
    Tensor weight = new Weights(checkpoint, Dtype.F32).load(c.norm());
    return new RmsNorm(c.name().startsWith("qwen") ? weight.add(1) : weight, EPSILON);
  }

  private static Optional<Tensor> find(SafetensorsFile file, String name) {
    return file.tensors().containsKey(name) ? Optional.of(read(file, name)) : Optional.empty();
  }

  private static Tensor read(SafetensorsFile file, String name) {
    StoredTensor stored = file.tensors().get(name);
    return Tensors.ofMemory(file.data(stored), stored.dtype(), Weights.dims(stored.shape()));
  }

  private static void assertClose(Tensor actual, Tensor expected, double tolerance, MixerCase c) {
    assertThat(actual.shape()).as(c.toString()).containsExactly(expected.shape());
    double difference = actual.sub(expected).maxAbs();
    assertThat(difference).as(c.toString()).isLessThan(tolerance);
  }
}
