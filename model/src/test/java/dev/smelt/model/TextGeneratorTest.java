package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Continuations with what mixers keep against a whole forward pass for every token. */
class TextGeneratorTest {
  private static final int ADDED = 12;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mixtral",
        "olmoe",
        "qwen3_moe_swa",
        "llama4_text",
        "deepseek_v2",
        "gpt_oss_mxfp4",
        "jamba",
        "qwen3_next",
        "cohere2_moe",
        "longcat_flash",
        "mistral4"
      })
  void agreesWithWholePasses(String name) {
    long before = Torch.liveObjects();
    try (var model = MoeModel.open(Resources.path("golden/" + name))) {
      SplittableRandom random = new SplittableRandom(7);
      int vocabulary = model.architecture().vocabulary();
      List<int[]> prompts = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        prompts.add(random.ints(17, 0, vocabulary).toArray());
      }
      List<int[]> found;
      try (TextGenerator greedy = new TextGenerator(model, Dtype.F32, TokenChoice.likeliest())) {
        found = greedy.after(prompts, ADDED);
        assertThat(greedy.after(prompts, ADDED))
            .as("a second run")
            .usingRecursiveComparison()
            .isEqualTo(found);
      }
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(found.get(i)).as("prompt " + i).isEqualTo(whole(model, prompts.get(i)));
      }
    }
    // Less where what other tests have left is collected meanwhile.
    assertThat(Torch.liveObjects()).isLessThanOrEqualTo(before);
  }

  /** Keys and values of two heads of eight, for each layer, in F32 whatever the compute type. */
  @ParameterizedTest
  @ValueSource(strings = {"F32", "BF16"})
  void tellsWhatItKeeps(String type) {
    try (var model = MoeModel.open(Resources.path("golden/mixtral"));
        var generator = new TextGenerator(model, Dtype.of(type), TokenChoice.likeliest())) {
      long layers = 3;
      long width = 2 * 8;
      assertThat(generator.bytesPerSequence(10)).isEqualTo(layers * 10 * 2 * width * Float.BYTES);
      assertThat(generator.after(List.of(new int[] {1, 2}), 3).getFirst()).hasSize(3);
    }
  }

  private static int[] whole(MoeModel model, int[] prompt) {
    int[] all = prompt;
    for (int i = 0; i < ADDED; i++) {
      int[] longer = Arrays.copyOf(all, all.length + 1);
      longer[all.length] = next(model, all);
      all = longer;
    }
    return Arrays.copyOfRange(all, prompt.length, all.length);
  }

  private static int next(MoeModel model, int[] tokens) {
    TokenBatch batch = new TokenBatch(List.of(tokens));
    try (var states = HiddenStates.embed(model, List.of(batch), Dtype.F32);
        var _ = Scope.open()) {
      for (int l = 0; l < model.architecture().layers(); l++) {
        states.advance(model.layer(l, Dtype.F32), MoeObserver.NONE);
      }
      Tensor last = states.state(0).select(1, tokens.length - 1);
      return (int) model.head(Dtype.F32).logits(last).argmax(-1).toLongs()[0];
    }
  }
}
