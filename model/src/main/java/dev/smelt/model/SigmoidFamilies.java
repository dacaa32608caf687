package dev.smelt.model;

import static dev.smelt.model.RouterRule.Grouping.BEST;

import dev.smelt.model.Family.Form;
import dev.smelt.model.attention.OutputGate;

/** Families with sigmoid routers or latent attention. */
final class SigmoidFamilies {
  private SigmoidFamilies() {}

  static void describe(Families.Registry registry) {
    registry.add(
        "deepseek_v3",
        f ->
            FamilyBases.deepseek(f)
                .attention(AttentionRule::latent)
                .router(
                    r ->
                        r.renormalisedBy("norm_topk_prob", true)
                            .scale("routed_scaling_factor", 2.5)));
    registry.add(
        "glm4_moe",
        f -> FamilyBases.deepseek(f).attention(a -> a.ropePartial(0.5)).normEpsilon(1e-5));
    registry.add(
        "dots1",
        f ->
            FamilyBases.deepseek(f)
                .attention(a -> a.window(LayerRules::windowOfDots))
                .router(r -> r.renormalisedBy("norm_topk_prob", false)));
    registry.add(
        "solar_open",
        f ->
            FamilyBases.deepseek(f)
                .attention(a -> a.headDim(128).ropeTheta(1e6))
                .normEpsilon(1e-5));
    registry.add(
        "exaone_moe",
        f ->
            FamilyBases.deepseek(f)
                .router(
                    r ->
                        r.correction("e_score_correction_bias").scale("routed_scaling_factor", 2.5))
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .rope(LayerRules::halfWhereSlidingIfAny))
                .normEpsilon(1e-5));
    registry.add(
        "mimo_v2_flash",
        f ->
            FamilyBases.deepseek(f)
                .attention(
                    a ->
                        a.window(LayerRules::windowBySlidingLayers)
                            .sinks("attention_sink_bias")
                            .valueScale("attention_value_scale")
                            .ropePartial(0.334)
                            .ropeTheta(5e6))
                .normEpsilon(1e-5));
    registry.add(
        "minimax_m2",
        f ->
            FamilyBases.mixtralBlock(f)
                .router(r -> r.sigmoid().correction("e_score_correction_bias").renormalised())
                .attention(a -> a.headDim(128).ropeTheta(5e6)));
    registry.add(
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
    registry.add(
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
    registry.add(
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

    registry.add(
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
    registry.add(
        "glm4_moe_lite",
        f ->
            FamilyBases.deepseek(f)
                .attention(AttentionRule::latent)
                .router(r -> r.scale("routed_scaling_factor", 1.8))
                .normEpsilon(1e-5));
    registry.add(
        "axk1",
        f ->
            FamilyBases.deepseek(f)
                .attention(AttentionRule::latent)
                .afterExperts("post_mlp_layernorm"));
    registry.add(
        "mistral4",
        f ->
            FamilyBases.deepseek(f)
                .router(RouterRule::softmax)
                .attention(a -> a.latent().positionScale(LayerRules::positionScaleByRope)));
    registry.add(
        "deepseek_v32",
        f -> FamilyBases.deepseek(f).attention(a -> a.latent().fullUpTo("index_topk")));
    registry.add(
        "glm_moe_dsa",
        f -> FamilyBases.deepseek(f).attention(a -> a.latent().fullUpTo("index_topk")));
    registry.add(
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
}
