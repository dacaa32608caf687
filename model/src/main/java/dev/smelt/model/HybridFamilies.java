package dev.smelt.model;

import static dev.smelt.model.RouterRule.Grouping.BEST_TWO;

import dev.smelt.model.Family.Form;
import dev.smelt.model.Family.NormKind;

/** Families some of whose layers have a recurrent mixer. */
final class HybridFamilies {
  private HybridFamilies() {}

  static void describe(Families.Registry registry) {
    registry.add(
        "qwen3_next",
        f -> FamilyBases.qwenHybrid(f).router(r -> r.renormalisedBy("norm_topk_prob", true)));
    registry.add("qwen3_5_moe_text", f -> FamilyBases.qwenHybrid(f).router(r -> r.renormalised()));
    registry.add(
        "kimi_linear",
        f ->
            FamilyBases.mixtralBlock(FamilyBases.deepseek(f))
                .router(
                    r ->
                        r.groups(BEST_TWO, "num_expert_group")
                            .renormalisedBy("moe_renormalize", true)
                            .topK("num_experts_per_token", "num_experts_per_tok"))
                .attention(
                    a ->
                        a.latent()
                            .rope(LayerRules::none)
                            .mixer(MixerKind.KIMI_DELTA, LayerRules::isRecurrent))
                .experts(e -> e.width("moe_intermediate_size")));
    registry.add(
        "lfm2_moe",
        f ->
            f.before("operator_norm", "ffn_norm")
                .finalNorm("embedding_norm")
                .norms(NormKind.RMS, "norm_eps", 1e-5)
                .router(
                    r ->
                        r.sigmoid()
                            .correction("expert_bias")
                            .renormalisedBy("norm_topk_prob", true)
                            .epsilon(1e-6)
                            .scale("routed_scaling_factor", 1))
                .attention(
                    a ->
                        a.norms("q_layernorm", "k_layernorm")
                            .output("out_proj")
                            .ropeTheta(1e6)
                            .mixer(MixerKind.SHORT_CONVOLUTION, LayerRules::isRecurrent))
                .experts(
                    e ->
                        e.block("feed_forward.")
                            .names("w1", "w3", "w2")
                            .denseNames("w1", "w3", "w2")));
    registry.add(
        "jamba",
        f ->
            f.before("input_layernorm", "pre_ff_layernorm")
                .finalNorm("final_layernorm")
                .router(r -> r.name("router.weight").neverRenormalised())
                .attention(
                    a ->
                        a.rope(LayerRules::none)
                            .mixer(MixerKind.MAMBA, LayerRules::isRecurrentInJamba))
                .experts(e -> e.block("feed_forward.").width("intermediate_size")));
    registry.add(
        "minimax",
        f ->
            FamilyBases.mixtralBlock(f)
                .router(r -> r.renormalised())
                .attention(
                    a ->
                        a.window(LayerRules::windowEverywhere)
                            .ropeTheta(1e6)
                            .mixer(MixerKind.LIGHTNING, LayerRules::isRecurrent))
                .residualAfterNorm(
                    LayerRules::mixerFactorsOfMinimax, LayerRules::expertFactorsOfMinimax)
                .normEpsilon(1e-5));
    registry.add(
        "granitemoehybrid",
        f ->
            FamilyBases.granite(f)
                .attention(
                    a ->
                        a.rope(LayerRules::halfByType)
                            .mixer(MixerKind.MAMBA2, LayerRules::isRecurrent)));
    registry.add(
        "nemotron_h",
        f ->
            FamilyBases.deepseek(f)
                .form(Form.SINGLE)
                .names("backbone.", "layers.", "embeddings", "norm_f")
                .norms(NormKind.RMS, "layer_norm_epsilon", 1e-5)
                .before("norm", "norm")
                .attention(
                    a ->
                        a.prefix("mixer.")
                            .rope(LayerRules::none)
                            .headDim(128)
                            .mixer(MixerKind.MAMBA2, LayerRules::isRecurrentInNemotron))
                .experts(
                    e ->
                        e.block("mixer.")
                            .ungated()
                            .latent("moe_latent_size")
                            .activation("mlp_hidden_act", Activation.RELU_SQUARED)));
  }
}
