package dev.smelt.model;

import static dev.smelt.model.RouterRule.Grouping.BEST;
import static dev.smelt.model.RouterRule.Grouping.BEST_TWO;

import dev.smelt.model.Family.Form;
import dev.smelt.model.Family.NormKind;
import dev.smelt.model.attention.OutputGate;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The families that smelt supports, in one registry.
 *
 * <p>A description says only what differs from the defaults of {@link Family}; helper methods at
 * the end say what several families have in common.
 */
public final class Families {
  private static final SequencedMap<String, Supplier<Family>> ALL = new TreeMap<>();

  static {
    softmaxFamilies();
    sigmoidFamilies();
    latentFamilies();
    fusedFamilies();
    specialFamilies();
    hybridFamilies();
  }

  private Families() {}

  private static void softmaxFamilies() {
    add(
        "mixtral",
        f ->
            mixtralBlock(f)
                .router(r -> r.renormalised())
                .attention(a -> a.window(LayerRules::windowEverywhere).ropeTheta(1e6))
                .normEpsilon(1e-5));
    add(
        "qwen2_moe",
        f ->
            f.experts(e -> e.shared("shared_expert."))
                .attention(a -> a.window(LayerRules::windowOfQwen2)));
    add("qwen3_moe", f -> f.attention(a -> a.window(LayerRules::windowBySwitch)));
    add("mellum", f -> f.attention(a -> a.window(LayerRules::windowBySlidingLayers)));
    add("olmoe", f -> f.experts(e -> e.width("intermediate_size")).normEpsilon(1e-5));
    add(
        "flex_olmo",
        f ->
            f.experts(e -> e.width("intermediate_size"))
                .noNormsBefore()
                .after("post_attention_layernorm", "post_feedforward_layernorm")
                .attention(a -> a.ropeTheta(5e5)));
    add(
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
    add(
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
    add(
        "phimoe",
        f ->
            mixtralBlock(f)
                .norms(NormKind.LAYER, "rms_norm_eps", 1e-5)
                .router(r -> r.sparseMixer())
                .attention(a -> a.window(LayerRules::windowEverywhere).ropeTheta(1e6)));
  }

  private static void sigmoidFamilies() {
    add(
        "deepseek_v3",
        f ->
            deepseek(f)
                .attention(AttentionRule::latent)
                .router(
                    r ->
                        r.renormalisedBy("norm_topk_prob", true)
                            .scale("routed_scaling_factor", 2.5)));
    add("glm4_moe", f -> deepseek(f).attention(a -> a.ropePartial(0.5)).normEpsilon(1e-5));
    add(
        "dots1",
        f ->
            deepseek(f)
                .attention(a -> a.window(LayerRules::windowOfDots))
                .router(r -> r.renormalisedBy("norm_topk_prob", false)));
    add(
        "solar_open",
        f -> deepseek(f).attention(a -> a.headDim(128).ropeTheta(1e6)).normEpsilon(1e-5));
    add(
        "exaone_moe",
        f ->
            deepseek(f)
                .router(
                    r ->
                        r.correction("e_score_correction_bias").scale("routed_scaling_factor", 2.5))
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .rope(LayerRules::halfWhereSlidingIfAny))
                .normEpsilon(1e-5));
    add(
        "mimo_v2_flash",
        f ->
            deepseek(f)
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .sinks("attention_sink_bias")
                            .valueScale("attention_value_scale")
                            .ropePartial(0.334)
                            .ropeTheta(5e6))
                .normEpsilon(1e-5));
    add(
        "minimax_m2",
        f ->
            mixtralBlock(f)
                .router(r -> r.sigmoid().correction("e_score_correction_bias").renormalised())
                .attention(a -> a.headDim(128).ropeTheta(5e6)));
    add(
        "hy_v3",
        f ->
            f.router(
                    r ->
                        r.name("router.gate.weight")
                            .sigmoid()
                            .correction("expert_bias")
                            .renormalised()
                            .epsilon(1e-20)
                            .scale("router_scaling_factor", 1))
                .experts(e -> e.shared("shared_mlp."))
                .attention(a -> a.ropeTheta(11_158_840)));
    add(
        "afmoe",
        f ->
            f.router(
                    r ->
                        r.name("router.gate.weight")
                            .sigmoid()
                            .correction("expert_bias")
                            .renormalised()
                            .epsilon(1e-20)
                            .scale("route_scale", 1))
                .before("input_layernorm", "pre_mlp_layernorm")
                .after("post_attention_layernorm", "post_mlp_layernorm")
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .rope(LayerRules::halfWhereSliding)
                            .gate("gate_proj", OutputGate.Kind.SIGMOID)
                            .headDim(128))
                .experts(e -> e.shared("shared_experts."))
                .embeddingScale(
                    c -> c.flag("mup_enabled", false) ? Math.sqrt(c.integer("hidden_size")) : 1)
                .normEpsilon(1e-5));
    add(
        "laguna",
        f ->
            f.router(
                    r ->
                        r.sigmoid()
                            .correction("experts.e_score_correction_bias")
                            .renormalised()
                            .scale("moe_routed_scaling_factor", 1)
                            .softcap("moe_router_logit_softcapping"))
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .gate("g_proj", OutputGate.Kind.SOFTPLUS))
                .experts(e -> e.shared("shared_expert.")));
  }

  private static void latentFamilies() {
    add(
        "deepseek_v2",
        f ->
            f.attention(AttentionRule::latent)
                .experts(e -> e.shared("shared_experts."))
                .router(
                    r ->
                        r.neverRenormalised()
                            .scale("routed_scaling_factor", 1)
                            .groups(BEST)
                            .methods("greedy", "group_limited_greedy")));
    add(
        "glm4_moe_lite",
        f ->
            deepseek(f)
                .attention(AttentionRule::latent)
                .router(r -> r.scale("routed_scaling_factor", 1.8))
                .normEpsilon(1e-5));
    add(
        "axk1",
        f -> deepseek(f).attention(AttentionRule::latent).afterExperts("post_mlp_layernorm"));
    add(
        "mistral4",
        f ->
            deepseek(f)
                .router(RouterRule::softmax)
                .attention(a -> a.latent().positionScale(LayerRules::positionScaleByRope)));
    add("deepseek_v32", f -> deepseek(f).attention(a -> a.latent().fullUpTo("index_topk")));
    add("glm_moe_dsa", f -> deepseek(f).attention(a -> a.latent().fullUpTo("index_topk")));
    add(
        "longcat_flash",
        f ->
            f.form(Form.SHORTCUT)
                .sizes("num_layers", "hidden_size")
                .attention(a -> a.latent().latentScaled().ropeTheta(1e7))
                .router(
                    r ->
                        r.name("router.classifier.weight")
                            .topK("moe_topk")
                            .neverRenormalised()
                            .correction("router.e_score_correction_bias")
                            .scale("routed_scaling_factor", 1))
                .experts(e -> e.width("expert_ffn_hidden_size").identities())
                .normEpsilon(1e-5));
  }

  private static void fusedFamilies() {
    add(
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
    add("granitemoe", Families::granite);
    add("granitemoeshared", Families::granite);
    add(
        "granitemoe_swa",
        f ->
            granite(f)
                .router(r -> r.name("router.weight"))
                .experts(e -> e.fused("experts.gate_up_proj", "experts.down_proj"))
                .attention(a -> a.window(LayerRules::windowBySlidingLayers).sinks("sinks")));
    add(
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
  }

  private static void specialFamilies() {
    add(
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
    add(
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
    add(
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
  }

  private static void hybridFamilies() {
    add("qwen3_next", f -> qwenHybrid(f).router(r -> r.renormalisedBy("norm_topk_prob", true)));
    add("qwen3_5_moe_text", f -> qwenHybrid(f).router(r -> r.renormalised()));
    add(
        "kimi_linear",
        f ->
            mixtralBlock(deepseek(f))
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
    add(
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
    add(
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
    add(
        "minimax",
        f ->
            mixtralBlock(f)
                .router(r -> r.renormalised())
                .attention(
                    a ->
                        a.window(LayerRules::windowEverywhere)
                            .ropeTheta(1e6)
                            .mixer(MixerKind.LIGHTNING, LayerRules::isRecurrent))
                .residualAfterNorm(
                    LayerRules::mixerFactorsOfMinimax, LayerRules::expertFactorsOfMinimax)
                .normEpsilon(1e-5));
    add(
        "granitemoehybrid",
        f ->
            granite(f)
                .attention(
                    a ->
                        a.rope(LayerRules::halfByType)
                            .mixer(MixerKind.MAMBA2, LayerRules::isRecurrent)));
    add(
        "nemotron_h",
        f ->
            deepseek(f)
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
                            .activation("mlp_hidden_act", Activation.RELU_SQUARED)));
  }

  /** The block of Mixtral: other names, and the width of an expert is that of the model. */
  private static Family mixtralBlock(Family family) {
    return family.experts(
        e -> e.block("block_sparse_moe.").names("w1", "w3", "w2").width("intermediate_size"));
  }

  /** Sigmoid router with a selection bias and groups, and shared experts, as in DeepSeek-V3. */
  private static Family deepseek(Family family) {
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
  private static Family granite(Family family) {
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
  private static Family qwenHybrid(Family family) {
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

  private static void add(String modelType, UnaryOperator<Family> description) {
    ALL.put(modelType, () -> description.apply(Family.named(modelType)));
  }

  /** All model types, sorted. */
  public static List<String> modelTypes() {
    return List.copyOf(ALL.keySet());
  }

  /** All families, sorted by model type. */
  public static List<Family> all() {
    return ALL.values().stream().map(Supplier::get).toList();
  }

  /**
   * The family of a model type.
   *
   * @throws dev.smelt.io.SmeltException if there is none, with the nearest one
   */
  public static Family of(String modelType) {
    String known = ModelTypes.canonical(modelType);
    if (!ALL.containsKey(known)) {
      throw ModelTypes.unsupported(modelType, ALL.keySet());
    }
    return ALL.get(known).get();
  }
}
