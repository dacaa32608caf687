package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.TestFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * What smelt does not implement, through the command line: refused by name with the right exit
 * code, never approximated.
 */
class FamilyRefusalTest {
  private static final Path GOLDENS = Path.of("..", "model", "src", "test", "resources", "golden");
  private static final String EVALUATE = "evaluate MODEL --text TEXT --length 17";
  private static final String REDUCE =
      " MODEL -o DIR/out --text TEXT --length 17 --sequences 1 --repair none --experts ";

  /**
   * A row of the table.
   *
   * @param golden the tiny checkpoint
   * @param change makes it one that is refused
   * @param arguments the command line; MODEL, TEXT and DIR stand for paths
   * @param exitCode the expected exit code
   * @param messages what message or hint must contain
   */
  record Case(
      String golden,
      String what,
      Consumer<Path> change,
      String arguments,
      int exitCode,
      List<String> messages) {
    @Override
    public String toString() {
      return golden + ": " + what;
    }
  }

  static final List<Case> CASES =
      Stream.of(types(), variants(), quantised(), options()).flatMap(List::stream).toList();

  @TempDir private Path directory;

  private static List<Case> types() {
    return List.of(
        config("mixtral", "model_type", "\"mixtrel\"", 4, "mixtrel", "mixtral", "CONTRIBUTING"),
        config("mixtral", "model_type", "\"qwen4_moe\"", 4, "qwen4_moe", "qwen2_moe"),
        config("mixtral", "model_type", "\"jetmoe\"", 4, "jetmoe", "attention has experts"),
        config("mixtral", "model_type", "\"nllb-moe\"", 4, "nllb-moe", "encoder-decoder"),
        config("deepseek_v32", "index_topk", "8", 4, "sparse attention"));
  }

  private static List<Case> variants() {
    return List.of(
        config("mixtral", "hidden_act", "\"tanhshrink\"", 4, "hidden_act", "tanhshrink"),
        config("glm4_moe", "rope_parameters.rope_type", "\"dynamic\"", 4, "dynamic"),
        config("deepseek_v3", "scoring_func", "\"sqrtsoftplus\"", 4, "sqrtsoftplus"),
        config("deepseek_v3", "topk_method", "\"lottery\"", 4, "topk_method", "lottery"),
        config("deepseek_v2", "topk_method", "\"lottery\"", 4, "topk_method", "lottery"),
        config("cohere2_moe", "expert_selection_fn", "\"argmax\"", 4, "argmax"),
        config("nemotron_h", "moe_latent_size", "16", 4, "moe_latent_size", "16"),
        config("hunyuan_v1_moe", "num_experts", "[8, 8, 4]", 4, "num_experts", "differs"),
        config("hunyuan_v1_moe", "moe_topk", "[3, 3, 2]", 4, "moe_topk", "differs"),
        config("deepseek_v3", "n_group", "3", 3, "8 experts", "3 groups"));
  }

  private static List<Case> quantised() {
    List<Case> cases = new ArrayList<>();
    for (String method : List.of("gptq", "awq", "bitsandbytes")) {
      String value = "{\"quant_method\": \"%s\"}".formatted(method);
      cases.add(config("mixtral", "quantization_config", value, 4, "quantisation", method));
    }
    String plain = "{\"quant_method\": \"fp8\"}";
    cases.add(config("deepseek_v3_fp8", "quantization_config", plain, 4, "weight_block_size"));
    String size = "quantization_config.weight_block_size";
    cases.add(config("deepseek_v3_fp8", size, "[16, 16]", 3, "weight_scale_inv", "shape"));
    String scales = "model.layers.1.mlp.experts.3.up_proj.weight_scale_inv";
    cases.add(renamed("deepseek_v3_fp8", scales, scales, "F8_E4M3"));
    String blocks = "model.layers.0.mlp.experts.gate_up_proj_scales";
    cases.add(renamed("gpt_oss_mxfp4", blocks, blocks));
    Consumer<Path> otherType = model -> edit(model, "\"F8_E4M3\"", "\"I8\"     ");
    cases.add(
        new Case(
            "deepseek_v3_fp8",
            "another type of eight bits",
            otherType,
            EVALUATE,
            4,
            List.of("type I8", "F8_E4M3 and F8_E5M2")));
    return cases;
  }

  private static List<Case> options() {
    return List.of(
        row("mixtral", "drop" + REDUCE + "5 --ungroup", 2, "groups"),
        row("mixtral", "merge" + REDUCE + "5 --requantise", 2, "--requantise", "not quantised"),
        row("mixtral", "merge" + REDUCE + "5 --mtp reduce", 2, "--mtp reduce"),
        row("mixtral", "merge" + REDUCE + "5 --mtp keep", 2, "--mtp"),
        row("gpt_oss_mxfp4", "merge" + REDUCE + "3 --requantise", 4, "MXFP4", "--requantise"),
        row("deepseek_v3", "drop" + REDUCE + "5", 2, "5 experts", "4 groups", "--ungroup"),
        row("deepseek_v3", "merge" + REDUCE + "4", 2, "1 for each group", "--ungroup"),
        row(
            "switch_transformers",
            "compress MODEL -o DIR/out --method low-rank --rank 3",
            4,
            "encoder-decoder has no compact form",
            "stock form"),
        row("switch_transformers", "merge" + REDUCE + "5 --form compact", 4, "no compact form"),
        row("switch_transformers", "attribute MODEL --forget TEXT --length 17", 4, "attributed"),
        row(
            "switch_transformers",
            "calibrate MODEL -o DIR/out --text TEXT --length 17 --sequences 1 --self-generated 1",
            4,
            "cannot write text of its own",
            "--self-generated"),
        row(
            "switch_transformers",
            "forget-report MODEL MODEL --forget TEXT --retain TEXT --length 17",
            4,
            "an encoder-decoder cannot be compared"),
        row(
            "switch_transformers",
            "compress MODEL -o DIR/out --method slim --parameter-ratio 0.5 --text TEXT --length 17",
            4,
            "does not calibrate encoder-decoders",
            "leave out --text"),
        row(
            "flex_olmo",
            "drop" + REDUCE.replace("none", "refit") + "5",
            4,
            "flex_olmo do more",
            "--repair none"));
  }

  private static Case row(String golden, String arguments, int exitCode, String... messages) {
    return new Case(golden, arguments, model -> {}, arguments, exitCode, List.of(messages));
  }

  private static Case config(
      String golden, String field, String value, int exitCode, String... messages) {
    Consumer<Path> edit =
        model -> {
          Path file = model.resolve("config.json");
          String text = new String(TestFiles.read(file), StandardCharsets.UTF_8);
          TestFiles.text(file, ConfigDocument.parse(text, file).with(field, value).text());
        };
    return new Case(golden, field + " = " + value, edit, EVALUATE, exitCode, List.of(messages));
  }

  /** A tensor has another name of the same length. */
  private static Case renamed(String golden, String tensor, String... messages) {
    String other = tensor.substring(0, tensor.length() - 1) + "?";
    Consumer<Path> edit = model -> edit(model, '"' + tensor + '"', '"' + other + '"');
    return new Case(golden, "no " + tensor, edit, EVALUATE, 3, List.of(messages));
  }

  /** Replaces words of the same length in the header of the weights. */
  private static void edit(Path model, String word, String other) {
    Path file = model.resolve("model.safetensors");
    String content = new String(TestFiles.read(file), StandardCharsets.ISO_8859_1);
    assertThat(content).contains(word);
    String changed = content.replace(word, other);
    TestFiles.bytes(file, changed.getBytes(StandardCharsets.ISO_8859_1));
  }

  @ParameterizedTest
  @FieldSource("CASES")
  void isRefusedByName(Case refused) {
    Path model = directory.resolve("model");
    TestFiles.copyTree(GOLDENS.resolve(refused.golden()), model);
    refused.change().accept(model);
    Path text = GOLDENS.resolve(refused.golden()).resolve("golden.safetensors");
    String[] words =
        Arrays.stream(refused.arguments().split(" "))
            .map(word -> word.replace("MODEL", model.toString()))
            .map(word -> word.replace("TEXT", text.toString()))
            .map(word -> word.replace("DIR", directory.toString()))
            .toArray(String[]::new);
    InProcess run = InProcess.run(Main.COMMANDS, words);
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(refused.exitCode());
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).contains(refused.messages()).contains("error: ", "hint: ");
    assertThat(run.stderr()).doesNotContain("Exception", "\tat ");
    assertThat(directory.resolve("out")).doesNotExist();
  }
}
