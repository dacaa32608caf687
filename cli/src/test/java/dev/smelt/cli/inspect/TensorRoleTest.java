package dev.smelt.cli.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorRoleTest {
  @ParameterizedTest
  @CsvSource({
    "model.embed_tokens.weight, 2, EMBEDDINGS",
    "transformer.wte.weight, 2, EMBEDDINGS",
    "shared.weight, 2, EMBEDDINGS",
    "lm_head.weight, 2, HEAD",
    "model.norm.weight, 1, NORMS",
    "model.embedding_norm.weight, 1, NORMS",
    "model.layers.0.self_attn.q_norm.weight, 1, NORMS",
    "model.layers.0.post_attention_layernorm.0.weight, 1, NORMS",
    "model.layers.0.self_attn.q_proj.weight, 2, ATTENTION",
    "model.layers.0.self_attn.gate_proj.weight, 2, ATTENTION",
    "transformer.blocks.0.norm_attn_norm.attn.Wqkv.weight, 2, ATTENTION",
    "model.layers.0.linear_attn.A_log, 1, ATTENTION",
    "model.layers.0.mamba.in_proj.weight, 2, ATTENTION",
    "model.layers.0.self_attention.experts.input_linear.weight, 3, ATTENTION",
    "backbone.layers.0.mixer.in_proj.weight, 2, ATTENTION",
    "backbone.layers.0.mixer.up_proj.weight, 2, DENSE",
    "model.layers.0.mlp.experts.3.gate_proj.weight, 2, EXPERTS",
    "model.layers.0.block_sparse_moe.experts.3.w1.weight, 2, EXPERTS",
    "model.layers.0.mlp.experts.gate_up_proj, 3, EXPERTS",
    "model.layers.0.block_sparse_moe.input_linear.weight, 3, EXPERTS",
    "model.layers.0.moe.gate_proj.weight, 3, EXPERTS",
    "transformer.blocks.0.ffn.experts.mlp.w1, 2, EXPERTS",
    "encoder.block.1.layer.1.mlp.experts.expert_7.wi.weight, 2, EXPERTS",
    "model.layers.0.mlp.gate.weight, 2, ROUTER",
    "model.layers.0.mlp.gate.e_score_correction_bias, 1, ROUTER",
    "model.layers.0.mlp.experts.e_score_correction_bias, 1, ROUTER",
    "model.layers.0.router.per_expert_scale, 1, ROUTER",
    "model.layers.0.mlp.shared_expert_gate.weight, 2, SHARED",
    "model.layers.0.mlp.shared_experts.up_proj.weight, 2, SHARED",
    "model.layers.0.shared_mlp.input_linear.weight, 2, SHARED",
    "model.layers.0.mlp.gate_proj.weight, 2, DENSE",
    "model.layers.0.feed_forward.w1.weight, 2, DENSE",
    "model.vision.something, 1, OTHER"
  })
  void isToldByTheName(String name, int rank, TensorRole role) {
    assertThat(TensorRole.of(new TensorName(name).pattern(), rank)).isEqualTo(role);
  }

  @Test
  void thePatternTellsStackLayerAndExpert() {
    TensorName name = new TensorName("encoder.block.1.layer.2.mlp.experts.expert_7.wi.weight");
    NamePattern pattern = NamePattern.of(name.pattern(), 2);
    assertThat(name.pattern()).isEqualTo("encoder.block.#.layer.#.mlp.experts.expert_#.wi.weight");
    assertThat(pattern.stack()).isEqualTo("encoder.block");
    assertThat(name.number(pattern.layerAt())).isEqualTo(1);
    assertThat(name.number(pattern.expertAt())).isEqualTo(7);
  }

  @Test
  void namesWithoutNumbersHaveNoPlace() {
    assertThat(NamePattern.of("lm_head.weight", 2).layerAt()).isEqualTo(-1);
    assertThat(NamePattern.of("layers.#.mlp.experts.down_proj", 3).expertAt()).isEqualTo(-1);
    assertThat(new TensorName("a.99999999999.").pattern()).isEqualTo("a.99999999999.");
  }
}
