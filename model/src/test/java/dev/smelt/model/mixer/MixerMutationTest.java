package dev.smelt.model.mixer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Resources;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every ingredient of a recurrent mixer matters: without it, its output is not the golden one. */
class MixerMutationTest {
  /** Ten times what {@link GoldenMixerTest} allows. */
  private static final double VISIBLE = 1e-3;

  static List<MixerCase> cases() {
    return MixerCase.all();
  }

  /** A change of the mixer that was loaded. */
  private record Mutation(String what, String name, int layer, UnaryOperator<Mixer> change) {
    @Override
    public String toString() {
      return name + " " + what;
    }
  }

  static List<Mutation> ingredients() {
    return List.of(
        new Mutation("convolution sees one token", "jamba", 0, m -> one((MambaOne) m)),
        new Mutation("no skip", "jamba", 0, m -> withoutSkip((MambaOne) m)),
        new Mutation("convolution sees one token", "granitemoehybrid", 0, m -> one((MambaTwo) m)),
        new Mutation("no skip", "nemotron_h", 0, m -> withoutSkip((MambaTwo) m)),
        new Mutation("one norm for all groups", "nemotron_h", 0, m -> ungrouped((MambaTwo) m)),
        new Mutation("convolution sees one token", "lfm2_moe", 0, m -> one((ShortConvolution) m)),
        new Mutation("no decay", "minimax", 0, m -> faded((LightningAttention) m)),
        new Mutation("no decay", "qwen3_next", 0, m -> faded((GatedDeltaNet) m)),
        new Mutation("no decay", "qwen3_5_moe_text", 0, m -> faded((GatedDeltaNet) m)));
  }

  private static Mixer one(MambaOne m) {
    CausalConvolution last = one(m.convolution());
    return new MambaOne(
        m.input(), last, m.selection(), m.norms(), m.timeStep(), m.rates(), m.skip(), m.output());
  }

  private static Mixer withoutSkip(MambaOne m) {
    Tensor zero = m.skip().mul(0);
    return new MambaOne(
        m.input(),
        m.convolution(),
        m.selection(),
        m.norms(),
        m.timeStep(),
        m.rates(),
        zero,
        m.output());
  }

  private static Mixer one(MambaTwo m) {
    return with(m, m.sizes(), one(m.convolution()), m.skip());
  }

  private static Mixer withoutSkip(MambaTwo m) {
    return with(m, m.sizes(), m.convolution(), m.skip().mul(0));
  }

  private static Mixer ungrouped(MambaTwo m) {
    MambaTwoSizes s = m.sizes();
    MambaTwoSizes changed =
        new MambaTwoSizes(
            s.hidden(),
            s.heads(),
            s.headSize(),
            s.groups(),
            s.states(),
            s.kernel(),
            1,
            s.epsilon(),
            s.shortestStep(),
            s.longestStep());
    return with(m, changed, m.convolution(), m.skip());
  }

  private static Mixer with(MambaTwo m, MambaTwoSizes s, CausalConvolution c, Tensor skip) {
    return new MambaTwo(s, m.input(), c, m.stepBias(), m.rates(), skip, m.norm(), m.output());
  }

  private static Mixer one(ShortConvolution m) {
    return new ShortConvolution(m.input(), one(m.convolution()), m.output());
  }

  private static Mixer faded(LightningAttention m) {
    return new LightningAttention(m.input(), m.logDecays().mul(0), m.norm(), m.gate(), m.output());
  }

  private static Mixer faded(GatedDeltaNet m) {
    return new GatedDeltaNet(
        m.sizes(),
        m.input(),
        m.convolution(),
        m.decayBias(),
        m.rates().mul(0),
        m.norm(),
        m.output());
  }

  /** Only the last tap is left. */
  private static CausalConvolution one(CausalConvolution convolution) {
    Tensor weight = convolution.weight();
    long taps = weight.size(-1);
    double[] mask = new double[(int) taps];
    mask[mask.length - 1] = 1;
    Tensor last = Tensors.ofDoubles(mask, taps).to(weight.dtype());
    return new CausalConvolution(weight.mul(last), convolution.bias());
  }

  @ParameterizedTest
  @MethodSource("ingredients")
  void everyIngredientMatters(Mutation mutation) {
    MixerCase c =
        cases().stream()
            .filter(m -> m.name().equals(mutation.name()) && m.layer() == mutation.layer())
            .findFirst()
            .orElseThrow();
    try (var checkpoint = Checkpoint.open(c.directory());
        var _ = Scope.open()) {
      Mixer mixer = c.load(checkpoint, Dtype.F32);
      assertThat(distance(c, mixer)).isLessThan(VISIBLE / 10);
      assertThat(distance(c, mutation.change().apply(mixer))).isGreaterThan(VISIBLE);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "jamba, 0, rms_norm_eps, 0.1",
    "granitemoehybrid, 0, rms_norm_eps, 0.1",
    "granitemoehybrid, 0, time_step_limit, '[0.0, 0.1]'",
    "granitemoehybrid, 0, time_step_limit, '[1.5, 9.0]'",
    "nemotron_h, 0, layer_norm_epsilon, 0.1",
    "nemotron_h, 0, time_step_min, 1.5",
    "qwen3_next, 0, rms_norm_eps, 0.1",
    "qwen3_5_moe_text, 2, rms_norm_eps, 0.1",
    "kimi_linear, 0, rms_norm_eps, 0.1"
  })
  void everyNumberMatters(String name, int layer, String field, String value) {
    MixerCase c =
        cases().stream()
            .filter(m -> m.name().equals(name) && m.layer() == layer)
            .findFirst()
            .orElseThrow();
    try (var checkpoint = Checkpoint.open(c.directory());
        var _ = Scope.open()) {
      ConfigDocument edited = checkpoint.config().with(field, value);
      ModelConfig config = new ModelConfig(edited, c.directory());
      Mixer mixer = c.loader().load(new Weights(checkpoint, Dtype.F32), c.prefix(), config);
      assertThat(distance(c, mixer)).isGreaterThan(VISIBLE);
    }
  }

  /** A tensor whose values are others, or that is read as zeros, is seen in the output. */
  @ParameterizedTest
  @MethodSource("cases")
  void everyTensorMatters(MixerCase c) {
    try (var checkpoint = Checkpoint.open(c.directory())) {
      for (StoredTensor stored : checkpoint.tensors().values()) {
        if (stored.name().startsWith(c.prefix()) && !isBuffer(stored.name())) {
          try (var _ = Scope.open()) {
            Tensor other = Weights.stored(checkpoint, stored).mul(0.5).add(0.25);
            Weights weights = new Weights(checkpoint, Dtype.F32, Map.of(stored.name(), other));
            Mixer mixer = c.loader().load(weights, c.prefix(), c.config(checkpoint));
            assertThat(distance(c, mixer)).as(stored.name()).isGreaterThan(VISIBLE);
          }
        }
      }
    }
  }

  /** MiniMax stores what follows from the slopes. */
  private static boolean isBuffer(String name) {
    return name.endsWith("_decay");
  }

  private static double distance(MixerCase c, Mixer mixer) {
    try (var mixed = SafetensorsFile.open(Resources.path("mixer/" + c.name() + ".safetensors"))) {
      Tensor output = mixer.apply(read(mixed, "mixer_in." + c.layer()));
      return output.sub(read(mixed, "mixer_out." + c.layer())).maxAbs();
    }
  }

  private static Tensor read(SafetensorsFile file, String name) {
    StoredTensor stored = file.tensors().get(name);
    return Tensors.ofMemory(file.data(stored), stored.dtype(), Weights.dims(stored.shape()));
  }
}
