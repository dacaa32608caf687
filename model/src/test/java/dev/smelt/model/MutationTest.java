package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.ConfigDocument;
import dev.smelt.model.attention.Rope;
import dev.smelt.model.router.Score;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every ingredient matters: a description or a config.json without it fails a golden. */
class MutationTest {
  private static final double VISIBLE = 1e-3;

  private record Mutation(
      String what,
      String golden,
      UnaryOperator<ConfigDocument> config,
      UnaryOperator<Family> family) {
    @Override
    public String toString() {
      return golden + " " + what;
    }
  }

  private static Mutation family(String golden, String what, UnaryOperator<Family> change) {
    return new Mutation(what, golden, UnaryOperator.identity(), change);
  }

  private static Mutation config(String golden, String field, String value) {
    return new Mutation(
        field + " = " + value, golden, c -> c.with(field, value), UnaryOperator.identity());
  }

  static List<Mutation> routers() {
    return List.of(
        family("mixtral", "renormalisation", f -> f.router(RouterRule::neverRenormalised)),
        family("qwen3_moe", "no renormalisation", f -> f.router(r -> r.renormalised().epsilon(1))),
        family("deepseek_v3", "sigmoid", f -> f.router(r -> r.score = Score.SOFTMAX)),
        family("deepseek_v3", "bias", f -> f.router(r -> r.correction = Optional.empty())),
        family("deepseek_v3", "groups", f -> f.router(r -> r.groups(RouterRule.Grouping.NONE))),
        family("deepseek_v3", "best two", f -> f.router(r -> r.groups(RouterRule.Grouping.BEST))),
        family("deepseek_v2_group", "best", f -> f.router(r -> r.groups(RouterRule.Grouping.NONE))),
        config("deepseek_v3", "norm_topk_prob", "false"),
        config("deepseek_v3", "routed_scaling_factor", "1.0"),
        config("deepseek_v3", "topk_group", "3"),
        config("deepseek_v3", "num_experts_per_tok", "2"),
        family("ernie4_5_moe", "bias [1, E]", f -> f.router(r -> r.correction = Optional.empty())),
        family("minimax_m2", "bias", f -> f.router(r -> r.correction = Optional.empty())),
        family("gpt_oss", "router bias", f -> f.router(r -> r.bias = Optional.empty())),
        family("phimoe", "sparsemixer", f -> f.router(r -> r.sparseMixer = false)),
        config("phimoe_longrope", "router_jitter_noise", "0.01"),
        family("llama4_text", "gates on inputs", f -> f.router(r -> r.gatesInput = false)),
        family("gemma4_text", "expert scale", f -> f.router(r -> r.expertScale = Optional.empty())),
        family("gemma4_text", "router input", f -> f.router(r -> r.inputScale = Optional.empty())),
        config("cohere2_moe", "expert_selection_fn", "\"sigmoid\""),
        config("laguna", "moe_router_logit_softcapping", "1.0"));
  }

  static List<Mutation> attention() {
    return List.of(
        family("mixtral", "positions", f -> f.attention(a -> a.rope(LayerRules::none))),
        family("mixtral", "half pairs", f -> f.attention(a -> a.rope(LayerRules::interleaved))),
        family("ernie4_5_moe", "neighbouring pairs", f -> f.attention(a -> a.rope(HALF))),
        family("deepseek_v3", "neighbouring pairs", f -> f.attention(a -> a.rope(HALF))),
        config("glm4_moe", "rope_parameters.partial_rotary_factor", "1.0"),
        config("deepseek_v3", "rope_parameters.rope_type", "\"default\""),
        config("deepseek_v3", "rope_parameters.mscale_all_dim", "0.5"),
        config("gpt_oss", "rope_parameters.truncate", "true"),
        config("llama4_text_llama3", "rope_parameters.rope_type", "\"default\""),
        config("phimoe_longrope", "rope_parameters.long_mscale", "1.0"),
        config("mellum", "rope_parameters.full_attention.rope_theta", "10000.0"),
        family("gemma4_text", "proportional", f -> f.attention(a -> a.rope(LayerRules::none))),
        family("deepseek_v3", "latent epsilon", f -> f.attention(a -> a.latentEpsilon(1e-3))),
        family("longcat_flash", "latent scale", f -> f.attention(a -> a.latentScaled = false)),
        family("qwen3_moe", "query norm", f -> f.attention(a -> a.norms("none", "none"))),
        family("olmoe", "whole norm", f -> f.attention(a -> a.norms("none", "none"))),
        family("hunyuan_v1_moe", "after", f -> f.attention(a -> a.normsAfterRope = false)),
        config("llama4_text", "use_qk_norm", "false"),
        config("olmoe_clip", "clip_qkv", "null"),
        family("gpt_oss", "sinks", f -> f.attention(a -> a.sinks = Optional.empty())),
        family("mimo_v2_flash", "sinks", f -> f.attention(a -> a.sinks = Optional.empty())),
        family("granitemoe_swa", "sinks", f -> f.attention(a -> a.sinks = Optional.empty())),
        family("gpt_oss", "window", f -> f.attention(a -> a.window(NO_LIMIT))),
        family("mixtral_swa", "window", f -> f.attention(a -> a.window(NO_LIMIT))),
        family("qwen2_moe_swa", "window", f -> f.attention(a -> a.window(NO_LIMIT))),
        config("dots1", "sliding_window", "7"),
        config("llama4_text", "attention_chunk_size", "9"),
        config("llama4_text", "attn_temperature_tuning", "false"),
        config("llama4_text", "no_rope_layers", "[1,1,1,1]"),
        family("afmoe", "gate", f -> f.attention(a -> a.gateName = Optional.empty())),
        family("laguna", "gate", f -> f.attention(a -> a.gateName = Optional.empty())),
        config("mimo_v2_flash", "attention_value_scale", "1.0"),
        family("gemma4_text", "value norm", f -> f.attention(a -> a.valueNorm = false)),
        family("gemma4_text", "scale", f -> f.attention(a -> a.scale = Optional.empty())),
        config("granitemoe", "attention_multiplier", "0.25"),
        family("exaone_moe", "no positions", f -> f.attention(a -> a.rope(HALF))));
  }

  static List<Mutation> layers() {
    return List.of(
        family("flex_olmo", "norms after", f -> f.after("none", "none")),
        family("afmoe", "norms after", f -> f.after("none", "none")),
        family("axk1", "norm after experts", f -> f.afterExperts("none")),
        family("cohere2_moe", "mean removed", f -> f.norms(RMS, "layer_norm_eps", 1e-5)),
        family("phimoe", "mean removed", f -> f.norms(RMS, "rms_norm_eps", 1e-5)),
        config("granitemoe", "embedding_multiplier", "1.0"),
        config("granitemoe", "residual_multiplier", "1.0"),
        config("granitemoe", "logits_scaling", "1.0"),
        config("cohere2_moe", "logit_scale", "1.0"),
        config("cohere2_moe", "shared_expert_combination_strategy", "\"sum\""),
        config("afmoe", "mup_enabled", "false"),
        config("mixtral", "rms_norm_eps", "0.1"),
        config("gemma4_text", "final_logit_softcapping", "1.0"),
        config("gemma4_text", "hidden_activation", "\"silu\""),
        family("qwen2_moe", "shared", f -> f.experts(e -> e.shared = Optional.empty())),
        family("granitemoeshared", "shared", f -> f.experts(e -> e.sharedFused = Optional.empty())),
        family("gpt_oss", "clamp", f -> f.experts(e -> e.activation(Activation.SILU))),
        family("gpt_oss", "in turn", f -> f.experts(e -> e.fusedInTurn = false)),
        family("gpt_oss_mxfp4", "in turn", f -> f.experts(e -> e.fusedInTurn = false)));
  }

  private static final Family.NormKind RMS = Family.NormKind.RMS;
  private static final LayerRule<Optional<Rope.Style>> HALF =
      (config, layer) -> Optional.of(Rope.Style.HALF);
  private static final LayerRule<OptionalLong> NO_LIMIT = (config, layer) -> OptionalLong.empty();

  @ParameterizedTest
  @MethodSource({"routers", "attention", "layers"})
  void everyIngredientMatters(Mutation mutation) {
    try (var model = Goldens.open(mutation.golden(), mutation.config(), mutation.family())) {
      var differences = Goldens.differences(mutation.golden(), model);
      assertThat(Collections.max(differences.values())).isGreaterThan(VISIBLE);
    }
  }
}
