package dev.smelt.model;

import dev.smelt.model.layer.Branch;
import dev.smelt.model.layer.Branch.Residual;
import dev.smelt.model.layer.BranchForm;
import dev.smelt.model.layer.GemmaForm;
import dev.smelt.model.layer.LayerForm;
import dev.smelt.model.layer.ParallelForm;
import dev.smelt.model.layer.ShortcutForm;
import dev.smelt.model.layer.SingleForm;
import java.util.Optional;

/** Reads everything of a layer but its experts: what config.json says first, the weights later. */
final class LayerReader {
  /** A layer that has been checked; its weights are still to come. */
  @FunctionalInterface
  interface LayerPlan {
    /** Reads the weights into the open scope. */
    LayerForm load(Weights weights);
  }

  private final ModelSource source;
  private final Family family;
  private final int index;
  private final String prefix;

  private LayerReader(ModelSource source, int index) {
    this.source = source;
    this.index = index;
    family = source.family();
    prefix = source.layer(index);
  }

  static LayerPlan plan(ModelSource source, int index) {
    return new LayerReader(source, index).plan();
  }

  private LayerPlan plan() {
    return switch (family.form) {
      case BRANCHES -> branches();
      case PARALLEL -> parallel();
      case SINGLE -> single();
      case SHORTCUT -> shortcut();
      case GEMMA -> gemma();
      case ENCODER_DECODER -> StackReader.plan(source, index);
    };
  }

  private LayerPlan branches() {
    MixerPlan mixer = MixerPlan.of(source, prefix, index);
    double[] first = family.mixerFactors.of(source.config(), index);
    double[] second = family.expertFactors.of(source.config(), index);
    return weights ->
        new BranchForm(
            branch(weights, family.beforeMixer, family.afterMixer, first),
            mixer.load(weights),
            branch(weights, family.beforeExperts, family.afterExperts, second));
  }

  private Branch branch(
      Weights weights, Optional<String> before, Optional<String> after, double[] factors) {
    return new Branch(
        before.map(name -> norm(weights, name)),
        after.filter(name -> source.has(prefix + name + ".weight")).map(n -> norm(weights, n)),
        family.residualAfterNorm ? Residual.NORMED : Residual.STATE,
        factors[0],
        factors[1]);
  }

  private LayerPlan parallel() {
    MixerPlan mixer = MixerPlan.of(source, prefix, index);
    String name = family.beforeMixer.orElseThrow();
    return weights -> new ParallelForm(norm(weights, name), mixer.load(weights));
  }

  private LayerPlan single() {
    String name = family.beforeMixer.orElseThrow();
    boolean mixes =
        family.attention.mixer.of(source.config(), index).isPresent()
            || source.has(prefix + family.attention.prefix + family.attention.query + ".weight");
    Optional<MixerPlan> mixer =
        mixes ? Optional.of(MixerPlan.of(source, prefix, index)) : Optional.empty();
    return weights -> new SingleForm(norm(weights, name), mixer.map(m -> m.load(weights)));
  }

  private LayerPlan shortcut() {
    MixerPlan first = half(0);
    MixerPlan second = half(1);
    return weights -> new ShortcutForm(half(weights, first, 0), half(weights, second, 1));
  }

  private MixerPlan half(int which) {
    String attention = prefix + family.attention.prefix + which + ".";
    return LatentAttentionReader.plan(source, attention, index);
  }

  private ShortcutForm.Half half(Weights weights, MixerPlan mixer, int which) {
    return new ShortcutForm.Half(
        norm(weights, family.beforeMixer.orElseThrow() + "." + which),
        mixer.load(weights),
        norm(weights, family.beforeExperts.orElseThrow() + "." + which),
        source.network(weights, prefix + "mlps." + which + ".", family.experts.dense));
  }

  private LayerPlan gemma() {
    MixerPlan mixer = MixerPlan.of(source, prefix, index);
    return weights ->
        new GemmaForm(
            mixer.load(weights),
            new GemmaForm.Norms(
                norm(weights, "input_layernorm"),
                norm(weights, "post_attention_layernorm"),
                norm(weights, "pre_feedforward_layernorm"),
                norm(weights, "post_feedforward_layernorm_1"),
                norm(weights, "pre_feedforward_layernorm_2"),
                norm(weights, "post_feedforward_layernorm_2"),
                norm(weights, "post_feedforward_layernorm")),
            source.network(weights, prefix + "mlp.", family.experts.dense),
            weights.load(prefix + "layer_scalar"));
  }

  private Norm norm(Weights weights, String name) {
    return source.norm(weights, prefix + name);
  }
}
