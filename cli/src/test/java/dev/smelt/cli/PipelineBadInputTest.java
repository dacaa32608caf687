package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TestFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Wrong input to the commands that run a model: one clear message, a hint, the right exit code,
 * nothing on standard output and nothing written, not even a temporary directory.
 */
class PipelineBadInputTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");
  private static final String MERGE =
      "merge MODEL -o DIR/out --experts 8 --repair none"
          + " --text DIR/text.txt --sequences 2 --length 32";
  private static final String COMPRESS = "compress MODEL -o DIR/out --method low-rank";
  private static final String FISHER =
      "compress MODEL -o DIR/out --method shared-delta --base fisher --parameter-ratio 0.5";
  private static final String CALIBRATE =
      "calibrate MODEL --text DIR/text.txt --sequences 2 --length 32 -o DIR/s.safetensors";
  private static final String EVALUATE = "evaluate MODEL --text DIR/text.txt --length 32";
  private static final String MIXTRAL = "../examples/models/mixtral-5m";
  private static final String RECOVER =
      "recover MODEL --teacher MODEL -o DIR/out"
          + " --text DIR/text.txt --sequences 2 --length 32 --steps 2 --batch 64";
  private static final String UP = "model.layers.1.mlp.experts.3.up_proj.weight";

  /**
   * A row of the table.
   *
   * @param name what is wrong
   * @param spoil changes the directory, which holds a sound model and text
   * @param arguments the command line; MODEL and DIR stand for paths
   * @param exitCode the expected exit code
   * @param messages what the message must contain
   */
  record Case(
      String name, Consumer<Path> spoil, String arguments, int exitCode, List<String> messages) {
    @Override
    public String toString() {
      return name;
    }
  }

  static final List<Case> CASES =
      Stream.of(
              options(),
              targets(),
              texts(),
              statistics(),
              models(),
              weights(),
              compressions(),
              fisherBases(),
              methods(),
              comparisons(),
              recovery())
          .flatMap(List::stream)
          .toList();

  @TempDir private Path directory;

  private static List<Case> options() {
    return List.of(
        merge("more experts than there are", "--experts 17", 2, "--experts 17", "16 experts"),
        merge("fewer experts than top-k", "--experts 1", 2, "--experts 1", "num_experts_per_tok"),
        merge("no experts", "--experts 0", 2, "--experts"),
        merge("ratio of one", "--ratio 1", 2, "--ratio 1.0", "between 0 and 1"),
        merge("ratio leaves fewer than top-k", "--ratio 0.95", 2, "leaves 1 of 16"),
        merge("both counts", "--experts 8 --ratio 0.5", 2, "exclude each other"),
        merge("no count", "", 2, "--experts or --ratio is missing"),
        merge("unknown method", "--experts 8 --method m-smo", 2, "m-smo", "m-smoe"),
        merge("fixed alignment", "--experts 8 --method average --align weights", 2, "--align"),
        merge("fixed router", "--experts 8 --method average --router dominant", 2, "--router"),
        merge("no similarity", "--experts 8 --method ream --similarity router-rows", 2, "ream"),
        merge("unknown similarity", "--experts 8 --similarity x", 2, "--similarity"),
        merge("unknown alignment", "--experts 8 --align x", 2, "--align"),
        merge("no shard size", "--experts 8 --max-shard-size many", 2, "--max-shard-size many"),
        row("merge: no text", "merge MODEL -o DIR/out --experts 8", 2, "--text or --statistics"),
        row("merge: no output", MERGE.replace("-o DIR/out", ""), 2, "-o"),
        row("calibrate: no text", "calibrate MODEL -o DIR/s.safetensors", 2, "--text"),
        row("calibrate: no output", CALIBRATE.replace("-o DIR/s.safetensors", ""), 2, "output"),
        row("evaluate: no text", "evaluate MODEL", 2, "--text"),
        row("evaluate: window of one", EVALUATE.replace("32", "1"), 2, "at least 2"),
        row("evaluate: no threads", EVALUATE + " --threads -1", 2, "--threads"),
        row("evaluate: unknown type", EVALUATE + " --compute f16", 2, "--compute", "f16"));
  }

  private static List<Case> methods() {
    String statistics = "merge MODEL -o DIR/out --experts 8 --statistics DIR/s.safetensors";
    Consumer<Path> withoutSample = directory -> run(directory, CALIBRATE + " --sample 0");
    Consumer<Path> infinite =
        directory -> {
          run(directory, CALIBRATE);
          spoilDouble(directory.resolve("s.safetensors"), "layers.1.logit_gram");
        };
    Consumer<Path> lacking =
        directory -> {
          run(directory, CALIBRATE);
          replace("s.safetensors", "layers.2.routed", "layers.2.roused").accept(directory);
        };
    return List.of(
        merge("groups too small", "--experts 4 --method ream --group-size 2", 2, "--group-size 2"),
        merge("no groups", "--experts 8 --method m-smoe --group-size 4", 2, "--group-size"),
        merge("no linkage", "--experts 8 --method ream --linkage single", 2, "--linkage"),
        merge("no variant", "--experts 8 --method hc-smoe --variant released", 2, "--variant"),
        merge("unknown linkage", "--experts 8 --method hc-smoe --linkage x", 2, "--linkage"),
        merge("unknown variant", "--experts 8 --method ream --variant x", 2, "--variant"),
        merge("nothing to go on with", "--experts 8 --resume DIR/r", 2, "--resume"),
        merge(
            "plans of all layers", "--experts 8 --adaptive --plan-on reduced", 2, "of all layers"),
        merge("redirected", "--experts 8 --router redirect --plan-on reduced", 2, "--plan-on red"),
        row(
            "merge: two sources",
            directory -> run(directory, CALIBRATE),
            statistics + " --text DIR/text.txt --plan-on reduced",
            2,
            "--statistics would not be used"),
        row("merge: plan without text", statistics + " --plan-on reduced", 2, "--plan-on reduced"),
        row(
            "drop: nothing to plan on",
            "drop MODEL -o DIR/out --experts 8 --criterion aimer --text DIR/text.txt"
                + " --plan-on reduced",
            2,
            "--plan-on reduced"),
        row(
            "no sampled tokens",
            withoutSample,
            statistics + " --method ream",
            3,
            "no sampled tokens",
            "smelt calibrate"),
        row(
            "statistics lack a field",
            lacking,
            statistics,
            3,
            "layers.2.routed",
            "smelt calibrate"),
        row("similarity is not finite", infinite, statistics, 3, "layer 1", "not finite"),
        row(
            "drop: experts without a token",
            "drop MODEL -o DIR/out --experts 15 --repair refit --text DIR/text.txt --sequences 1"
                + " --length 6",
            3,
            "no calibration token reaches",
            "more text"));
  }

  private static List<Case> comparisons() {
    String compare =
        "compare MODEL -o DIR/c --validation DIR/text.txt --text DIR/text.txt --sequences 2"
            + " --length 32";
    return List.of(
        row(
            "compare: unknown methods",
            compare + " --methods reap,x,y+z",
            2,
            "'x', 'y+z'",
            "m-smo"),
        row("compare: no method", compare + " --methods reap,", 2, "''"),
        row("compare: too few are left", compare + " --ratios 0.5,0.95", 2, "leaves 1 of 16"),
        row("compare: no ratio", compare + " --ratios half", 2, "--ratios"),
        row("compare: no text", compare.replace("--text DIR/text.txt", ""), 2, "--text"),
        row("compare: validation missing", delete("text.txt"), compare, 3, "text.txt"),
        row("compare: directory in use", text("c/mine.txt", "mine"), compare, 2, "not empty"));
  }

  private static List<Case> targets() {
    Consumer<Path> target = text("out/mine.txt", "mine");
    return List.of(
        row("target exists", target, MERGE, 2, "DIR/out", "exists already", "--force"),
        row("target is no checkpoint", target, MERGE + " --force", 2, "DIR/out", "not a checkp"),
        row("target is the source", MERGE.replace("/out", "/model") + " --force", 2, "is the sou"),
        row("target below a file", MERGE.replace("DIR/out", "DIR/text.txt/out"), 1, "text.txt"),
        row(
            "calibrate: target has no directory",
            CALIBRATE.replace("s.saf", "no/s.saf"),
            2,
            "directory does not exist"));
  }

  private static List<Case> texts() {
    List<Case> cases = new ArrayList<>();
    for (String command : List.of(MERGE, CALIBRATE, EVALUATE)) {
      cases.add(row("text missing", delete("text.txt"), command, 3, "text.txt"));
      cases.add(row("text empty", text("text.txt", ""), command, 3, "text.txt"));
      cases.add(row("text of one token", text("text.txt", "a"), command, 3, "text.txt"));
      String unknown = command.replace("text.txt", "model/tokenizer.model");
      cases.add(row("text of unknown kind", unknown, 3, "tokenizer.model"));
      String jsonl = command.replace("text.txt", "text.jsonl");
      cases.add(
          row("jsonl without text", text("text.jsonl", "{\"a\":1}\n"), jsonl, 3, "text.jsonl:1"));
      cases.add(
          row("jsonl is no JSON", text("text.jsonl", "{\"text\"\n"), jsonl, 3, "text.jsonl:1"));
    }
    cases.add(row("weight of zero", CALIBRATE.replace(".txt", ".txt:0"), 2, "weight 0"));
    return cases;
  }

  private static List<Case> statistics() {
    String merge = "merge MODEL -o DIR/out --experts 8 --statistics DIR/s.safetensors";
    Consumer<Path> other =
        directory -> {
          run(directory, CALIBRATE);
          replace("model/config.json", "\"rope_theta\"", "\"rope_theta\" ").accept(directory);
        };
    Consumer<Path> truncated =
        directory -> {
          run(directory, CALIBRATE);
          Path file = directory.resolve("s.safetensors");
          byte[] all = TestFiles.read(file);
          TestFiles.bytes(file, Arrays.copyOf(all, all.length - 8));
        };
    return List.of(
        row("statistics missing", merge, 3, "s.safetensors"),
        row("statistics of another model", other, merge, 3, "s.safetensors", "smelt calibrate"),
        row("statistics truncated", truncated, merge, 3, "s.safetensors"),
        row(
            "not statistics",
            merge.replace("DIR/s.saf", "MODEL/model.saf"),
            3,
            "model.safetensors",
            "not a file of routing statistics"),
        row("repair without text", merge + " --repair fit", 2, "--repair fit", "--text"));
  }

  private static List<Case> models() {
    List<Case> cases = new ArrayList<>();
    for (String command : List.of(MERGE, CALIBRATE, EVALUATE)) {
      cases.add(row("model missing", command.replace("MODEL", "DIR/none"), 3, "DIR/none"));
      cases.add(row("no tokenizer", delete("model/tokenizer.json"), command, 3, "tokenizer.json"));
      cases.add(config("unsupported type", "\"olmoe\"", "\"olmow\"", command, 4, "olmow"));
      cases.add(config("fewer experts", "experts\": 16", "experts\": 12", command, 3, "12"));
      cases.add(config("more experts", "experts\": 16", "experts\": 17", command, 3, "17"));
      cases.add(config("top-k too large", "tok\": 2", "tok\": 20", command, 3, "20", "16"));
      cases.add(config("more layers", "layers\": 4", "layers\": 5", command, 3, "layers.4"));
      cases.add(config("hidden size", "size\": 128", "size\": 64", command, 3, "[1024, 64]"));
      cases.add(config("no hidden size", "hidden_size", "hiddensize", command, 3, "hidden_size"));
      cases.add(config("size as text", "tok\": 2", "tok\": \"2\"", command, 3, "num_experts_per_"));
      Consumer<Path> dense = directory -> Models.dense(directory.resolve("dense"));
      cases.add(row("dense model", dense, command.replace("MODEL", "DIR/dense"), 4, "llama"));
      Consumer<Path> bare = replace("model/model.safetensors", "mlp.gate.w", "mlp.gats.w");
      cases.add(row("no routers", bare, command, 4, "MODEL", "dense model"));
    }
    return cases;
  }

  private static List<Case> weights() {
    List<Case> cases = new ArrayList<>();
    Consumer<Path> renamed = replace("model/model.safetensors", UP, UP.replace("up", "uq"));
    Consumer<Path> reshaped =
        replace("model/model.safetensors", "\"shape\":[16,128]", "\"shape\":[128,16]");
    for (String command : List.of(MERGE, CALIBRATE, EVALUATE)) {
      cases.add(row("tensor missing", renamed, command, 3, UP));
      cases.add(row("router of another shape", reshaped, command, 3, "mlp.gate.weight", "128"));
      cases.add(row("truncated", PipelineBadInputTest::truncate, command, 3, "model.safetensors"));
    }
    for (String command : List.of(MERGE, CALIBRATE, EVALUATE)) {
      cases.add(row("NaN", PipelineBadInputTest::spoilWeight, command, 3, "NaN", "smelt verify"));
    }
    String drop = "drop MODEL -o DIR/out --experts 8 --criterion aimer --repair none";
    cases.add(row("NaN", PipelineBadInputTest::spoilWeight, drop, 3, "layer 1, expert 3, up: "));
    cases.add(row("verify: NaN", PipelineBadInputTest::spoilWeight, "verify MODEL", 5, UP));
    return cases;
  }

  private static List<Case> compressions() {
    Consumer<Path> target = text("out/mine.txt", "mine");
    return List.of(
        compress("rank above the side", "--rank 97", 2, "--rank 97", "[96, 128]", "at most 96"),
        compress("no rank", "--rank 0", 2, "--rank 0", "at least 1"),
        compress("no budget", "", 2, "--rank, --parameter-ratio or --energy is missing"),
        compress("two budgets", "--rank 4 --energy 0.5", 2, "exclude each other"),
        compress("would grow", "--rank 90", 2, "would grow", "--force"),
        compress("ratio above one", "--parameter-ratio 2", 2, "--parameter-ratio 2", "at most 1"),
        compress("plan of what grows", "--rank 90 --dry-run", 2, "would grow"),
        compress("no text to whiten with", "--rank 4 --whiten", 2, "--text is missing"),
        compress("no text for sequential", "--rank 4 --sequential", 2, "--text is missing"),
        compress("option of another method", "--rank 4 --keep 0.1", 2, "--keep", "low-rank"),
        compress("unknown allocation", "--rank 4 --allocation x", 2, "--allocation x", "global"),
        row("compress: no method", "compress MODEL -o DIR/out", 2, "--method is missing"),
        row("compress: unknown method", "compress MODEL -o DIR/out --method x", 2, "--method x"),
        row("compress: no output", "compress MODEL --method low-rank --rank 4", 2, "-o is missing"),
        row("compress: target exists", target, COMPRESS + " --rank 4", 2, "exists already"),
        row("compress: NaN", PipelineBadInputTest::spoilWeight, COMPRESS + " --rank 4", 3, "up"),
        row(
            "compress: base alone is too large",
            COMPRESS.replace("low-rank", "shared-delta") + " --base uniform --parameter-ratio 0.05",
            2,
            "the base alone"),
        row(
            "compress: nothing left for factors",
            COMPRESS.replace("low-rank", "low-rank-sparse")
                + " --text DIR/text.txt --parameter-ratio 0.1 --keep 0.2",
            2,
            "leaves nothing for factors"),
        merge("stock form cannot be adaptive", "--experts 8 --adaptive --form stock", 2, "--form"),
        row(
            "merge: redirect and repair",
            MERGE.replace("none", "fit") + " --router redirect",
            2,
            "--router redirect"));
  }

  private static List<Case> fisherBases() {
    String calibrated = FISHER + " --text DIR/text.txt --sequences 2 --length 32";
    Consumer<Path> recipe =
        text(
            "recipe.yaml",
            """
            model: model
            text: text.txt
            steps:
              - merge: {experts: 8, sequences: 2, length: 32}
              - compress: {method: shared-delta, base: fisher, parameter-ratio: 0.5}
            """);
    String again = "--base fisher needs gradients of the merged model";
    Consumer<Path> nan = PipelineBadInputTest::spoilWeight;
    return List.of(
        row("fisher without text", FISHER, 2, "--text is missing", "shared-delta"),
        row("fisher, planned without text", FISHER + " --dry-run", 2, "--text is missing"),
        row("unknown base", FISHER.replace("fisher", "fishes"), 2, "--base fishes", "fisher"),
        row("fisher, NaN", nan, calibrated, 3, "loss of a calibration sequence is NaN", "verify"),
        row("fisher, base too large", calibrated.replace("0.5", "0.05"), 2, "the base alone"),
        row(
            "fisher in one pass",
            recipe,
            "run DIR/recipe.yaml --set output=DIR/out",
            2,
            again,
            "by itself"));
  }

  private static Case compress(String name, String options, int exitCode, String... messages) {
    return row(name, COMPRESS + " " + options, exitCode, messages);
  }

  private static List<Case> recovery() {
    List<Case> cases = new ArrayList<>();
    String endToEnd = RECOVER + " --mode end-to-end";
    Consumer<Path> teacher =
        directory -> {
          TestFiles.copyTree(directory.resolve("model"), directory.resolve("teacher"));
          replace("teacher/tokenizer.json", "\"merges\"", "\"mergers\"").accept(directory);
        };
    String other = RECOVER.replace("--teacher MODEL", "--teacher DIR/teacher");
    cases.add(row("another tokenizer", teacher, other, 2, "DIR/teacher/tokenizer.json", "MODEL"));
    String family = RECOVER.replace("--teacher MODEL", "--teacher " + MIXTRAL);
    cases.add(row("another family", family, 2, "model_type mixtral, the student has olmoe"));
    String none = RECOVER.replace("--teacher MODEL", "--teacher DIR/none");
    cases.add(row("teacher missing", none, 3, "DIR/none"));
    cases.add(row("no teacher", RECOVER.replace("--teacher MODEL", ""), 2, "--teacher"));
    cases.add(row("no output", RECOVER.replace("-o DIR/out", ""), 2, "output"));
    cases.add(row("no text", "recover MODEL --teacher MODEL -o DIR/out", 2, "--text is missing"));
    String one = RECOVER.replace("--sequences 2", "--sequences 1");
    cases.add(row("one sequence", one, 2, "one sequence", "--held-out"));
    cases.add(row("held-out missing", RECOVER + " --held-out DIR/no.txt", 3, "no.txt"));
    String same = RECOVER.replace("DIR/out", "MODEL") + " --force";
    cases.add(row("target is the student", same, 2, "is the source"));
    cases.add(row("target exists", text("out/mine.txt", "mine"), RECOVER, 2, "exists already"));
    cases.add(
        row(
            "state of another run",
            text("s/recovery.txt", "x"),
            endToEnd + " --resume DIR/s",
            2,
            "DIR/s",
            "another run"));
    for (String wrong :
        List.of(
            "--steps 0",
            "--rate -1",
            "--warm-up 2",
            "--clip 0",
            "--weight-decay 1",
            "--mode x",
            "--train x",
            "--decay x",
            "--batch 0",
            "--patience -1")) {
      cases.add(row(wrong, RECOVER + " " + wrong, 2, wrong.substring(0, wrong.indexOf(' '))));
    }
    cases.add(row("temperature layerwise", RECOVER + " --temperature 2", 2, "--mode end-to-end"));
    cases.add(row("temperature of zero", endToEnd + " --temperature 0", 2, "--temperature 0.0"));
    cases.add(row("refit end to end", endToEnd + " --refit", 2, "--refit"));
    cases.add(row("factors layerwise", RECOVER + " --train factors", 2, "no such weights"));
    cases.add(row("no factors", endToEnd + " --train factors", 2, "no such weights"));
    String compact = RECOVER.replace("recover MODEL", "recover DIR/compact");
    cases.add(
        row("refit compact", PipelineBadInputTest::compact, compact + " --refit", 2, "--refit"));
    String more = compact + " --mode end-to-end --keep 0.5";
    cases.add(row("more neurons", PipelineBadInputTest::compact, more, 2, "--keep 0.5", "0.19"));
    cases.add(row("pruning layerwise", RECOVER + " --keep 0.1", 2, "--mode end-to-end"));
    cases.add(row("nothing to prune", endToEnd + " --keep 0.1", 2, "no neurons beside factors"));
    cases.add(row("keeps all neurons", endToEnd + " --keep 1", 2, "--keep 1.0"));
    cases.add(row("prunes routers", endToEnd + " --keep 0.1 --train router", 2, "--train router"));
    cases.add(row("refit of routers", RECOVER + " --refit --train router", 2, "--refit"));
    cases.add(row("no loss", endToEnd + " --text-weight 0 --teacher-weight 0", 2, "are all 0"));
    for (String command : List.of(RECOVER, endToEnd)) {
      String mode = command.equals(RECOVER) ? "layerwise" : "end-to-end";
      cases.add(row("NaN " + mode, PipelineBadInputTest::spoilWeight, command, 3, "NaN", "verify"));
    }
    String wild =
        endToEnd.replace("--steps 2", "--steps 9")
            + " --rate 1e30 --warm-up 0 --teacher-weight 0 --clip 9e9";
    cases.add(row("divergence", wild, 1, "diverged in step 2", "--rate"));
    return cases;
  }

  /** Makes a student that keeps neurons beside factors. */
  private static void compact(Path directory) {
    String made =
        "compress DIR/model -o DIR/compact --method low-rank-sparse --rank 2 --keep 0.2"
            + " --text DIR/text.txt --sequences 2 --length 32";
    String[] words = made.replace("DIR", directory.toString()).split(" ");
    assertThat(InProcess.run(Main.COMMANDS, words).exitCode()).isZero();
  }

  private static Case merge(String name, String options, int exitCode, String... messages) {
    return row(name, MERGE.replace("--experts 8", options), exitCode, messages);
  }

  private static Case config(
      String name, String old, String changed, String command, int exitCode, String... messages) {
    return row(name, replace("model/config.json", old, changed), command, exitCode, messages);
  }

  private static Case row(String name, String arguments, int exitCode, String... messages) {
    return row(name, directory -> {}, arguments, exitCode, messages);
  }

  private static Case row(
      String name, Consumer<Path> spoil, String arguments, int exitCode, String... messages) {
    String command = arguments.substring(0, arguments.indexOf(' '));
    String title = name.startsWith(command) ? name : command + ": " + name;
    return new Case(title, spoil, arguments, exitCode, List.of(messages));
  }

  private static Consumer<Path> text(String file, String text) {
    return directory -> TestFiles.text(directory.resolve(file), text);
  }

  private static Consumer<Path> delete(String file) {
    return directory -> assertThat(directory.resolve(file).toFile().delete()).isTrue();
  }

  /** Replaces a text wherever it is in a file, and insists that it is there. */
  private static Consumer<Path> replace(String name, String old, String changed) {
    return directory -> {
      Path file = directory.resolve(name);
      String content = new String(TestFiles.read(file), StandardCharsets.ISO_8859_1);
      assertThat(content).contains(old);
      String replaced = content.replace(old, changed);
      TestFiles.bytes(file, replaced.getBytes(StandardCharsets.ISO_8859_1));
    };
  }

  private static void truncate(Path directory) {
    Path file = directory.resolve("model/model.safetensors");
    byte[] all = TestFiles.read(file);
    TestFiles.bytes(file, Arrays.copyOf(all, all.length - 2));
  }

  /** Makes a weight of an expert NaN. */
  private static void spoilWeight(Path directory) {
    Path file = directory.resolve("model/model.safetensors");
    long offset;
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      StoredTensor tensor = opened.tensors().get(UP);
      offset = tensor.offset();
    }
    byte[] all = TestFiles.read(file);
    all[(int) offset + 6] = (byte) 0xC0;
    all[(int) offset + 7] = 0x7F;
    TestFiles.bytes(file, all);
  }

  /** Makes the first value of a tensor of F64 NaN. */
  private static void spoilDouble(Path file, String name) {
    long offset;
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      offset = opened.tensors().get(name).offset();
    }
    byte[] all = TestFiles.read(file);
    all[(int) offset + 6] = (byte) 0xF8;
    all[(int) offset + 7] = 0x7F;
    TestFiles.bytes(file, all);
  }

  @BeforeEach
  void copyModel() {
    TestFiles.copyTree(QUICKSTART.resolve("model"), directory.resolve("model"));
    byte[] text = TestFiles.read(QUICKSTART.resolve("validation.txt"));
    TestFiles.bytes(directory.resolve("text.txt"), Arrays.copyOf(text, 2000));
  }

  @ParameterizedTest
  @FieldSource("CASES")
  void isRefused(Case wrong) {
    wrong.spoil().accept(directory);
    List<String> before = TestFiles.tree(directory);
    InProcess run = run(directory, wrong.arguments());
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(wrong.exitCode());
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).contains("error: ").doesNotContain("Exception", "\tat ", "null");
    assertThat(run.stderr())
        .contains(wrong.messages().stream().map(m -> filled(directory, m)).toList());
    assertThat(run.stderr()).contains("hint: ");
    assertThat(TestFiles.tree(directory)).isEqualTo(before);
    assertThat(Files.exists(directory.resolve("out/model.safetensors"))).isFalse();
  }

  private static InProcess run(Path directory, String arguments) {
    String[] words = arguments.strip().split(" +");
    return InProcess.run(
        Main.COMMANDS,
        Stream.of(words).map(word -> filled(directory, word)).toArray(String[]::new));
  }

  private static String filled(Path directory, String argument) {
    return argument
        .replace("MODEL", directory.resolve("model").toString())
        .replace("DIR", directory.toString());
  }
}
