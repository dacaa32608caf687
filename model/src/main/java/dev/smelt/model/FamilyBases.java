package dev.smelt.model;

import static dev.smelt.model.RouterRule.Grouping.BEST_TWO;

import dev.smelt.model.Family.NormKind;

/** What several families have in common, to describe each on top of it. */
final class FamilyBases {
  private FamilyBases() {}

  /** The block of Mixtral: other names, and the width of an expert is that of the model. */
  static Family mixtralBlock(Family family) {
    return family.experts(
        e -> e.block("block_sparse_moe.").names("w1", "w3", "w2").width("intermediate_size"));
  }

  /** Sigmoid router with a selection bias and groups, and shared experts, as in DeepSeek-V3. */
  static Family deepseek(Family family) {
    return family
        .router(
            r ->
                r.sigmoid()
                    .correction("gate.e_score_correction_bias")
                    .groups(BEST_TWO)
                    .renormalisedBy("norm_topk_prob", true)
                    .epsilon(1e-20)
                    .scale("routed_scaling_factor", 1)
                    .methods("noaux_tc"))
        .experts(e -> e.shared("shared_experts."));
  }

  /** Factors on everything, and experts in two tensors, as in Granite. */
  static Family granite(Family family) {
    return family
        .router(r -> r.name("router.layer.weight").renormalised())
        .attention(a -> a.scaleField("attention_multiplier"))
        .experts(
            e ->
                e.block("block_sparse_moe.")
                    .fused("input_linear.weight", "output_linear.weight")
                    .sharedFused("shared_mlp.")
                    .width("intermediate_size"))
        .residualFactor("residual_multiplier")
        .embeddingScale(c -> c.number("embedding_multiplier", 1))
        .logitScale(c -> 1 / c.number("logits_scaling", 1));
  }

  /** Gated DeltaNet and attention with an output gate, as in Qwen3-Next. */
  static Family qwenHybrid(Family family) {
    return family
        .norms(NormKind.RMS_PLUS_ONE, "rms_norm_eps", 1e-6)
        .attention(
            a ->
                a.gateInQuery()
                    .headDim(256)
                    .ropePartial(0.25)
                    .mixer(MixerKind.GATED_DELTA, LayerRules::isRecurrent))
        .experts(e -> e.shared("shared_expert."));
  }
}
