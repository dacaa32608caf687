package dev.smelt.model.mixer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a mixer does not load, and that it leaves nothing behind. */
class MixerRefusalTest {
  @ParameterizedTest
  @CsvSource({
    "jamba, hidden_act",
    "granitemoehybrid, hidden_act",
    "nemotron_h, mamba_hidden_act",
    "qwen3_next, hidden_act",
    "kimi_linear, hidden_act",
    "minimax, hidden_act"
  })
  void otherActivationsAreRefusedByName(String name, String field) {
    assertThatThrownBy(() -> load(first(name), field, "\"relu6\""))
        .isInstanceOfSatisfying(SmeltException.class, e -> is(e, Fault.UNSUPPORTED))
        .hasMessageContaining(field + " 'relu6'");
  }

  @ParameterizedTest
  @CsvSource({
    "lfm2_moe, conv_L_cache, 4, conv.weight",
    "jamba, mamba_d_state, 5, A_log",
    "granitemoehybrid, mamba_n_groups, 2, in_proj.weight",
    "nemotron_h, ssm_state_size, 16, conv1d.weight",
    "qwen3_next, linear_num_value_heads, 8, in_proj_ba.weight",
    "qwen3_5_moe_text, linear_value_head_dim, 16, in_proj_z.weight",
    "kimi_linear, linear_head_dim, 16, f_a_proj.weight",
    "minimax, num_attention_heads, 8, slope_rate"
  })
  void contradictionsAreNamed(String name, String field, String value, String tensor) {
    assertThatThrownBy(() -> load(first(name), field, value))
        .isInstanceOfSatisfying(SmeltException.class, e -> is(e, Fault.CHECKPOINT))
        .hasMessageContaining(tensor);
  }

  @ParameterizedTest
  @CsvSource({
    "nemotron_h, n_groups, 3, is not a multiple of the number of groups (3)",
    "qwen3_next, linear_num_key_heads, 3, is not a multiple of key heads (3)",
    "qwen3_next, linear_num_key_heads, 0, is not a multiple of key heads (0)",
    "granitemoehybrid, time_step_limit, '[0, \"soon\"]', expected two numbers"
  })
  void headsThatDoNotDivideAreRefused(String name, String field, String value, String message) {
    assertThatThrownBy(() -> load(first(name), field, value))
        .isInstanceOfSatisfying(SmeltException.class, e -> is(e, Fault.CHECKPOINT))
        .hasMessageContaining(message);
  }

  @Test
  void theSpellingOfPublishedKimiCheckpointsIsRead() {
    MixerCase kimi = first("kimi_linear");
    try (var checkpoint = Checkpoint.open(kimi.directory());
        var _ = Scope.open()) {
      ConfigDocument published =
          checkpoint
              .config()
              .without("linear_num_heads")
              .without("linear_head_dim")
              .with("linear_attn_config", "{\"num_heads\": 4, \"head_dim\": 8}");
      load(kimi, checkpoint, published);
    }
  }

  /** Rates that a checkpoint does not store follow from the head and the layer. */
  @Test
  void lightningRatesAreThoseThatTransformersStores() {
    for (MixerCase c : MixerCase.all()) {
      if (c.name().equals("minimax")) {
        try (var checkpoint = Checkpoint.open(c.directory());
            var _ = Scope.open()) {
          var stored = (LightningAttention) c.load(checkpoint, Dtype.F64);
          var computed = LightningAttention.slopes(c.config(checkpoint), c.layer());
          assertThat(computed.add(stored.logDecays()).maxAbs()).isLessThan(1e-8);
        }
      }
    }
  }

  static List<MixerCase> cases() {
    return MixerCase.all();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void nothingIsLeftBehind(MixerCase c) {
    try (var checkpoint = Checkpoint.open(c.directory())) {
      long before = Torch.liveObjects();
      try (var _ = Scope.open()) {
        Mixer mixer = c.load(checkpoint, Dtype.F32);
        mixer.apply(Tensors.zeros(Dtype.F32, 2, 70, 32));
      }
      assertThat(Torch.liveObjects()).isEqualTo(before);
    }
  }

  private static MixerCase first(String name) {
    return MixerCase.all().stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();
  }

  private static void load(MixerCase c, String field, String value) {
    try (var checkpoint = Checkpoint.open(c.directory());
        var _ = Scope.open()) {
      load(c, checkpoint, checkpoint.config().with(field, value));
    }
  }

  private static void load(MixerCase c, Checkpoint checkpoint, ConfigDocument config) {
    ModelConfig edited = new ModelConfig(config, c.directory().resolve("config.json"));
    c.loader().load(new Weights(checkpoint, Dtype.F32), c.prefix(), edited);
  }

  private static void is(SmeltException e, Fault fault) {
    assertThat(e.fault()).isEqualTo(fault);
  }
}
