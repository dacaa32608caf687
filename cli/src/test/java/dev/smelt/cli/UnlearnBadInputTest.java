package dev.smelt.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.TestFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Wrong input to attribute, unlearn and forget-report: one clear message, a hint, the right exit
 * code, nothing on standard output and nothing written.
 */
class UnlearnBadInputTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");
  private static final String SIZES = " --length 16 --sequences 12 --threads 1";
  private static final String UNLEARN =
      "unlearn MODEL -o DIR/out --forget DIR/forget.txt --retain DIR/retain.txt --steps 1" + SIZES;
  private static final String ATTRIBUTE = "attribute MODEL --forget DIR/forget.txt" + SIZES;
  private static final String REPORT =
      "forget-report MODEL MODEL --forget DIR/forget.txt --retain DIR/retain.txt --length 16";

  /**
   * A row of the table.
   *
   * @param name what is wrong
   * @param spoil changes the directory, which holds a sound model and two texts
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
      Stream.of(options(), targets(), losses(), texts(), reports()).flatMap(List::stream).toList();

  @TempDir private Path directory;

  private static List<Case> options() {
    return List.of(
        row("no forget set", UNLEARN.replace("--forget DIR/forget.txt", ""), 2, "--forget"),
        row("no output", UNLEARN.replace("-o DIR/out", ""), 2, "-o is missing"),
        row("output is the source", UNLEARN.replace("DIR/out", "MODEL") + " --force", 2, "source"),
        row("output exists", text("out/mine.txt", "x"), UNLEARN, 2, "exists already", "--force"),
        row("rate of zero", UNLEARN + " --lr 0", 2, "--lr 0.0", "above 0"),
        row("negative clip", UNLEARN + " --clip -1", 2, "--clip -1.0"),
        row("no steps", UNLEARN.replace("--steps 1", "--steps 0"), 2, "--steps"),
        row("unknown rule", UNLEARN + " --stop soon", 2, "--stop soon", "3x"),
        row("rule without forget", UNLEARN + " --stop retain=2x", 2, "nothing about the forget"),
        row("rule that is no rise", UNLEARN + " --stop forget=0.5x", 2, "below 1"),
        row("cache limit", UNLEARN + " --cache-limit much", 2, "--cache-limit much"),
        row("unknown training", UNLEARN + " --train head", 2, "--train", "expert"),
        row("no set", "attribute MODEL" + SIZES, 2, "--forget is missing"),
        row("both sets", ATTRIBUTE + " --statistics DIR/s.safetensors", 2, "exclude each other"),
        row("no directory", ATTRIBUTE + " -o DIR/none/a.json", 2, "does not exist"),
        row("output is a directory", ATTRIBUTE + " -o DIR", 2, "is a directory"));
  }

  private static List<Case> targets() {
    return List.of(
        row("no such layer", UNLEARN + " --target 9:1", 2, "layer 9", "[0, 1, 2, 3]"),
        row("no such expert", UNLEARN + " --target 1:16", 2, "target 1:16", "0 to 15"),
        row("never routed", UNLEARN + " --target 3:14", 2, "target 3:14", "no token"),
        row("shared expert", UNLEARN + " --target 1:shared", 2, "shared expert", "router row"),
        row("no number", UNLEARN + " --target best", 2, "'best'", "LAYER:EXPERT"),
        row("too many", UNLEARN + " --experts 65", 2, "--experts 65"),
        row("two layers", UNLEARN + " --train layer --target 1:5,2:4", 2, "several layers"),
        row(
            "difference without retain set",
            UNLEARN.replace("--retain DIR/retain.txt", "--loss ga --select difference"),
            2,
            "--select difference",
            "--retain"));
  }

  private static List<Case> losses() {
    String alone = UNLEARN.replace("--retain DIR/retain.txt", "");
    return List.of(
        row("unknown loss", UNLEARN + " --loss gd", 2, "'gd'", "gdiff"),
        row("gdiff without retain set", alone, 2, "--loss gdiff", "--retain"),
        row("npo without retain set", alone + " --loss npo", 2, "--loss npo", "--retain"),
        row("rmu without retain set", alone + " --loss rmu", 2, "--loss rmu", "--retain"),
        row(
            "rule about a set that is not there",
            alone + " --loss ga --stop forget=2x,retain=1.1x",
            2,
            "--retain"),
        row("beta of ga", UNLEARN + " --loss ga --beta 1", 2, "--beta", "no such constant"),
        row("beta of zero", UNLEARN + " --loss npo --beta 0", 2, "--beta 0.0"),
        row("retain loss of rmu", UNLEARN + " --loss rmu --retain-loss kl", 2, "--retain-loss"),
        row("steering of npo", UNLEARN + " --loss npo --steering 3", 2, "--steering"),
        row("delta of npo", UNLEARN + " --loss npo --delta 3", 2, "--delta"),
        row("negative anchor", UNLEARN + " --anchor -1", 2, "--anchor -1.0"));
  }

  private static List<Case> texts() {
    Consumer<Path> tiny = text("forget.txt", "In the");
    Consumer<Path> ids = directory -> TestFiles.bytes(directory.resolve("ids.npy"), npy(1 << 20));
    return List.of(
        row("forget set missing", UNLEARN.replace("/forget.txt", "/no.txt"), 3, "no.txt"),
        row("forget set too small", tiny, UNLEARN, 3, "forget set", "at least 2", "--length"),
        row("retain set too small", text("retain.txt", "In the"), UNLEARN, 3, "retain set"),
        row(
            "ids of another tokenizer",
            ids,
            UNLEARN.replace("forget.txt", "ids.npy"),
            3,
            "ids.npy"),
        row("forget set empty", text("forget.txt", ""), ATTRIBUTE, 3, "forget.txt"),
        row("weight of zero", ATTRIBUTE.replace("forget.txt", "forget.txt:0"), 2, "weight 0"));
  }

  private static List<Case> reports() {
    return List.of(
        row("no retain set", REPORT.replace("--retain DIR/retain.txt", ""), 2, "--retain"),
        row("no model", REPORT.replaceFirst("MODEL MODEL", "MODEL DIR/none"), 3, "DIR/none"),
        row("no rate", REPORT + " --relearn-lr 0", 2, "--relearn-lr"),
        row(
            "another architecture",
            REPORT.replaceFirst("MODEL MODEL", "MODEL ../examples/models/mixtral-5m"),
            3,
            "differ in their layers"),
        row(
            "too little to relearn",
            text("forget.txt", "In the beginning"),
            REPORT,
            3,
            "--relearn"),
        row("reference alone", REPORT + " --reference MODEL", 2, "--tofu-forget"),
        row("half of utility", REPORT + " --tofu-retain DIR/t.json", 2, "--tofu-authors"),
        row(
            "no questions",
            text("t.json", "{\"question\": 1}"),
            REPORT + " --tofu-forget DIR/t.json",
            3,
            "t.json",
            "question"),
        row(
            "no wrong answers",
            text("t.json", "{\"question\": \"q\", \"answer\": \"a\"}"),
            REPORT + " --tofu-forget DIR/t.json",
            3,
            "perturbed_answer"));
  }

  /** One id as NumPy stores it. */
  private static byte[] npy(int id) {
    String header = "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 4), }";
    String padded = header + " ".repeat(117 - header.length()) + "\n";
    byte[] bytes = new byte[128 + 16];
    byte[] magic = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    System.arraycopy(magic, 0, bytes, 0, magic.length);
    for (int i = 0; i < padded.length(); i++) {
      bytes[10 + i] = (byte) padded.charAt(i);
    }
    for (int i = 0; i < 4; i++) {
      bytes[128 + 4 * i + 2] = (byte) (id >> 16);
    }
    return bytes;
  }

  private static Consumer<Path> text(String file, String text) {
    return directory -> TestFiles.text(directory.resolve(file), text);
  }

  private static Case row(String name, String arguments, int exitCode, String... messages) {
    return row(name, directory -> {}, arguments, exitCode, messages);
  }

  private static Case row(
      String name, Consumer<Path> spoil, String arguments, int exitCode, String... messages) {
    String command = arguments.substring(0, arguments.indexOf(' '));
    return new Case(command + ": " + name, spoil, arguments, exitCode, List.of(messages));
  }

  @BeforeEach
  void copyModel() {
    TestFiles.copyTree(QUICKSTART.resolve("model"), directory.resolve("model"));
    byte[] text = TestFiles.read(QUICKSTART.resolve("validation.txt"));
    TestFiles.bytes(directory.resolve("forget.txt"), Arrays.copyOf(text, 1200));
    TestFiles.bytes(directory.resolve("retain.txt"), Arrays.copyOfRange(text, 4000, 5200));
  }

  @ParameterizedTest
  @FieldSource("CASES")
  void isRefused(Case wrong) {
    wrong.spoil().accept(directory);
    List<String> before = TestFiles.tree(directory);
    InProcess run = run(wrong.arguments());
    assertThat(run.exitCode()).as(run.stderr()).isEqualTo(wrong.exitCode());
    assertThat(run.stdout()).isEmpty();
    assertThat(run.stderr()).contains("error: ").doesNotContain("Exception", "\tat ", "null");
    assertThat(run.stderr()).contains(wrong.messages().stream().map(this::filled).toList());
    assertThat(run.stderr()).contains("hint: ");
    assertThat(TestFiles.tree(directory)).isEqualTo(before);
    assertThat(Files.exists(directory.resolve("out/model.safetensors"))).isFalse();
  }

  private InProcess run(String arguments) {
    String[] words = arguments.strip().split(" +");
    return InProcess.run(Main.COMMANDS, Stream.of(words).map(this::filled).toArray(String[]::new));
  }

  private String filled(String argument) {
    return argument
        .replace("MODEL", directory.resolve("model").toString())
        .replace("DIR", directory.toString());
  }
}
