package dev.smelt.model;

import dev.smelt.model.Family.Form;
import dev.smelt.model.Family.NormKind;

/** Families whose routers take a softmax. */
final class SoftmaxFamilies {
  private SoftmaxFamilies() {}

  static void describe(Families.Registry registry) {
    registry.add(
        "mixtral",
        f ->
            FamilyBases.mixtralBlock(f)
                .router(r -> r.renormalised())
                .attention(a -> a.window(LayerRules::windowEverywhere).ropeTheta(1e6))
                .normEpsilon(1e-5));
    registry.add(
        "qwen2_moe",
        f ->
            f.experts(e -> e.shared("shared_expert."))
                .attention(a -> a.window(LayerRules::windowOfQwen2)));
    registry.add("qwen3_moe", f -> f.attention(a -> a.window(LayerRules::windowBySwitch)));
    registry.add("mellum", f -> f.attention(a -> a.window(LayerRules::windowBySlidingLayers)));
    registry.add("olmoe", f -> f.experts(e -> e.width("intermediate_size")).normEpsilon(1e-5));
    registry.add(
        "flex_olmo",
        f ->
            f.experts(e -> e.width("intermediate_size"))
                .noNormsBefore()
                .after("post_attention_layernorm", "post_feedforward_layernorm")
                .attention(a -> a.ropeTheta(5e5)));
    registry.add(
        "hunyuan_v1_moe",
        f ->
            f.router(
                    r ->
                        r.name("gate.wg.weight")
                            .topK("moe_topk", "num_experts_per_tok")
                            .renormalised())
                .attention(a -> a.norms("query_layernorm", "key_layernorm").normsAfterRope())
                .experts(e -> e.shared("shared_mlp.").width("intermediate_size"))
                .normEpsilon(1e-5));
    registry.add(
        "ernie4_5_moe",
        f ->
            f.router(
                    r ->
                        r.topK("moe_k")
                            .renormalised()
                            .minimum("moe_norm_min")
                            .correction("moe_statics.e_score_correction_bias"))
                .attention(a -> a.rope(LayerRules::interleaved).ropeTheta(5e5))
                .experts(e -> e.shared("shared_experts."))
                .normEpsilon(1e-5));
    registry.add(
        "phimoe",
        f ->
            FamilyBases.mixtralBlock(f)
                .norms(NormKind.LAYER, "rms_norm_eps", 1e-5)
                .router(r -> r.sparseMixer())
                .attention(a -> a.window(LayerRules::windowEverywhere).ropeTheta(1e6)));

    registry.add(
        "gpt_oss",
        f ->
            f.router(r -> r.name("router.weight").bias("router.bias").renormalised())
                .attention(
                    a ->
                        a.window(LayerRules::windowOfGptOss)
                            .sinks("sinks")
                            .headDim(64)
                            .ropeTheta(150_000))
                .experts(
                    e ->
                        e.width("intermediate_size")
                            .fusedColumns()
                            .fusedInTurn()
                            .activation(Activation.CLAMPED_SWISH))
                .normEpsilon(1e-5));
    registry.add("granitemoe", FamilyBases::granite);
    registry.add("granitemoeshared", FamilyBases::granite);
    registry.add(
        "granitemoe_swa",
        f ->
            FamilyBases.granite(f)
                .router(r -> r.name("router.weight"))
                .experts(e -> e.fused("experts.gate_up_proj", "experts.down_proj"))
                .attention(a -> a.window(LayerRules::windowBySlidingLayers).sinks("sinks")));
    registry.add(
        "llama4_text",
        f ->
            f.router(r -> r.name("router.weight").sigmoid().neverRenormalised().gatesInput())
                .experts(
                    e ->
                        e.block("feed_forward.")
                            .shared("shared_expert.")
                            .width("intermediate_size")
                            .fusedColumns())
                .attention(
                    a ->
                        a.rope(LayerRules::ropeOfLlama4)
                            .chunk(LayerRules::chunkOfLlama4)
                            .unitNormsAfterRope(
                                (c, l) ->
                                    c.flag("use_qk_norm", true) && LayerRules.turnsInLlama4(c, l))
                            .positionScale(LayerRules::positionScaleOfLlama4)
                            .headDim(128)
                            .ropeTheta(5e5))
                .normEpsilon(1e-5));

    registry.add(
        "cohere2_moe",
        f ->
            f.form(Form.PARALLEL)
                .norms(NormKind.LAYER, "layer_norm_eps", 1e-5)
                .router(r -> r.scoreBy("expert_selection_fn"))
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .rope(LayerRules::interleavedWhereSliding))
                .experts(
                    e ->
                        e.width("intermediate_size")
                            .shared("shared_experts.")
                            .sharedAverage("shared_expert_combination_strategy"))
                .logitScale(c -> c.number("logit_scale", 1)));
    registry.add(
        "dbrx",
        f ->
            f.names("transformer.", "blocks.", "wte", "norm_f")
                .sizes("n_layers", "d_model")
                .before("norm_attn_norm.norm_1", "norm_attn_norm.norm_2")
                .norms(NormKind.LAYER, "layer_norm_epsilon", 1e-5)
                .attention(
                    a ->
                        a.prefix("norm_attn_norm.attn.")
                            .fused("Wqkv")
                            .output("out_proj")
                            .clip("attn_config.clip_qkv"))
                .router(
                    r -> r.name("router.layer.weight").topK("ffn_config.moe_top_k").renormalised())
                .experts(
                    e ->
                        e.block("ffn.")
                            .flat()
                            .width("ffn_config.ffn_hidden_size")
                            .activation("ffn_config.ffn_act_fn.name", Activation.SILU)));
    registry.add(
        "gemma4_text",
        f ->
            f.form(Form.GEMMA)
                .router(
                    r ->
                        r.name("router.proj.weight")
                            .inputScale("router.scale")
                            .expertScale("router.per_expert_scale")
                            .topK("top_k_experts")
                            .renormalised())
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .headDimByNorm()
                            .valueNorm()
                            .scale(1))
                .experts(e -> e.block("").activation("hidden_activation", Activation.GELU_TANH))
                .embeddingScale(c -> Math.sqrt(c.integer("hidden_size")))
                .softcap("final_logit_softcapping"));
    registry.add(
        "switch_transformers",
        f ->
            f.form(Form.ENCODER_DECODER)
                .names("", "", "shared", "decoder.final_layer_norm")
                .sizes("num_layers", "d_model")
                .norms(NormKind.RMS, "layer_norm_epsilon", 1e-6)
                .before("layer.0.layer_norm", "layer_norm")
                .logitScale(SoftmaxFamilies::scaleOfTiedHead)
                .router(r -> r.name("router.classifier.weight").capacity("expert_capacity"))
                .experts(
                    e ->
                        e.block("mlp.")
                            .each("experts.expert_")
                            .names("wi", "wi", "wo")
                            .denseNames("wi", "wi", "wo")
                            .width("d_ff")
                            .ungated()
                            .activation("dense_act_fn", Activation.RELU)));
  }

  private static double scaleOfTiedHead(ModelConfig config) {
    boolean tied = config.flag("tie_word_embeddings", true);
    return tied ? 1 / Math.sqrt(config.integer("d_model")) : 1;
  }
}
