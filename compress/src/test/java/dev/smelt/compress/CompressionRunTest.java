package dev.smelt.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.CheckpointVerifier;
import dev.smelt.io.Dtype;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.Evaluation;
import dev.smelt.model.HiddenStates.SequenceLoss;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Resources;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.CompactWriter;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.export.StockOutput;
import dev.smelt.model.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What every method must keep, from a checkpoint to a checkpoint in compact form and back. */
class CompressionRunTest {
  private static final List<int[]> TOKENS = tokens();

  @TempDir private Path temporary;

  private static List<int[]> tokens() {
    SplittableRandom random = new SplittableRandom(5);
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      all.add(random.ints(40, 0, 96).toArray());
    }
    return all;
  }

  private static double loss(MoeModel model) {
    return Evaluation.losses(model, Dtype.F32, 512, TOKENS, layer -> {}).stream()
        .mapToDouble(SequenceLoss::sum)
        .sum();
  }

  private static CompressionRun run(MoeModel model, String method, String... options) {
    Compressor compressor =
        CompressionMethods.named(method).configure(CompressionMethodsTest.given(options));
    return new CompressionRun(model, compressor, false, Dtype.F32, 3);
  }

  private record Written(List<CompactForm> forms, List<ExpertReport> reports, long fileBytes) {}

  private static Written compact(MoeModel model, CompressionRun run, Path target) {
    List<TokenBatch> batches = TokenBatch.split(TOKENS, 256);
    if (run.lacksBases()) {
      run.measure(batches, _ -> {});
    }
    List<CompactForm> forms = run.plan(batches, _ -> {});
    WriterOptions options = WriterOptions.DEFAULTS;
    try (run;
        CompactWriter writer = CompactWriter.create(model, target, forms, options)) {
      writer.copyKept();
      List<ExpertReport> reports = run.run(forms, batches, writer, _ -> {});
      long planned = writer.writer().fileBytes(options);
      assertThat(writer.commit().fileBytes()).isEqualTo(planned);
      return new Written(forms, reports, planned);
    }
  }

  private static long hidden(MoeModel model) {
    return model.architecture().hidden();
  }

  private static Path golden(String name) {
    return Resources.path("golden/" + name);
  }

  @ParameterizedTest
  @CsvSource({
    "qwen3_moe, low-rank, rank=FULL",
    "mixtral, low-rank, rank=FULL whiten",
    "olmoe, low-rank, rank=FULL whiten gate-weighted",
    "olmoe, low-rank, energy=1",
    "gpt_oss, low-rank, rank=FULL",
    "nemotron_h, low-rank, rank=FULL",
    "dbrx, low-rank, rank=FULL",
    "llama4_text, low-rank, rank=FULL whiten",
    "deepseek_v3, low-rank-sparse, rank=FULL keep=0.2",
    "qwen3_moe, shared-delta, rank=FULL",
    "mixtral, shared-delta, rank=FULL base=uniform whiten",
    "olmoe, shared-delta, rank=FULL base=fisher",
    "deepseek_v3, shared-delta, rank=FULL base=fisher whiten",
    "mixtral, shared-delta, energy=1 base=fisher"
  })
  void allOfItChangesNothing(String name, String method, String options) {
    try (var model = MoeModel.open(golden(name))) {
      long full = Math.min(model.moeLayers().getFirst().experts().width(), hidden(model));
      String[] given = options.replace("FULL", String.valueOf(full)).split(" ");
      compact(model, run(model, method, given), temporary.resolve("out"));
      try (var written = MoeModel.open(temporary.resolve("out"))) {
        assertThat(loss(written)).isCloseTo(loss(model), within(1e-5 * loss(model)));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "qwen3_moe, low-rank, parameter-ratio=0.5 whiten",
    "olmoe, low-rank, parameter-ratio=0.4 allocation=global",
    "mixtral, low-rank-sparse, parameter-ratio=0.5 keep=0.2",
    "gpt_oss, low-rank-sparse, parameter-ratio=0.5 whiten",
    "qwen3_moe, shared-delta, parameter-ratio=0.6",
    "qwen3_moe, shared-delta, parameter-ratio=0.6 base=fisher",
    "mixtral, shared-delta, parameter-ratio=0.6 base=fisher allocation=global"
  })
  void lessIsSmallerReadBackTheSameAndMaterialised(String name, String method, String options)
      throws IOException {
    long before = Torch.liveObjects();
    try (var model = MoeModel.open(golden(name))) {
      CompressionRun run = run(model, method, options.split(" "));
      Path out = temporary.resolve("out");
      Written first = compact(model, run, out);
      compact(model, run, temporary.resolve("again"));
      Path weights = Path.of("model.safetensors");
      assertThat(Files.mismatch(out.resolve(weights), temporary.resolve("again").resolve(weights)))
          .isEqualTo(-1);
      assertThat(CheckpointVerifier.problems(out)).isEmpty();
      assertThat(first.fileBytes()).isLessThan(Files.size(golden(name).resolve(weights)));
      try (var written = MoeModel.open(out)) {
        double loss = loss(written);
        assertThat(loss).isFinite().isNotEqualTo(loss(model));
        assertThat(forms(written)).isEqualTo(first.forms());
        materialise(written, temporary.resolve("stock"));
        try (var stock = MoeModel.open(temporary.resolve("stock"))) {
          assertThat(loss(stock)).isCloseTo(loss, within(1e-6 * loss));
          assertThat(stock.checkpoint().tensors().keySet())
              .isEqualTo(model.checkpoint().tensors().keySet());
          assertThat(stock.checkpoint().config()).isEqualTo(model.checkpoint().config());
          assertThat(temporary.resolve("stock/modeling_smelt.py")).doesNotExist();
        }
      }
    }
    assertThat(Torch.liveObjects()).isEqualTo(before);
  }

  private static List<CompactForm> forms(MoeModel model) {
    return model.moeLayers().stream()
        .map(moe -> ((dev.smelt.model.CompactStorage) moe.experts()).layout())
        .toList();
  }

  private static void materialise(MoeModel model, Path target) {
    var reductions = StockOutput.reductions(forms(model));
    try (var writer = ReductionWriter.create(model, target, reductions, WriterOptions.DEFAULTS)) {
      var run = new CompressionRun(model, new Unchanged(), false, Dtype.F32, 0);
      writer.copyKept();
      List<CompactForm> forms = run.plan(List.of(), _ -> {});
      run.run(forms, List.of(), new StockOutput(writer, forms), _ -> {});
      writer.commit();
    }
  }

  @Test
  void errorsOnHeldOutTokensFallWithTheRank() {
    try (var model = MoeModel.open(golden("qwen3_moe"))) {
      double last = Double.MAX_VALUE;
      for (String rank : List.of("rank=2", "rank=6", "rank=12")) {
        Path out = temporary.resolve(rank);
        List<ExpertReport> reports = compact(model, run(model, "low-rank", rank), out).reports();
        double mean =
            reports.stream()
                .flatMap(report -> report.outputError().stream())
                .mapToDouble(Double::doubleValue)
                .average()
                .orElseThrow();
        assertThat(mean).isLessThan(last);
        last = mean;
      }
    }
  }

  @Test
  void globalAllocationKeepsToTheBudget() {
    try (var model = MoeModel.open(golden("olmoe"))) {
      List<TokenBatch> batches = TokenBatch.split(TOKENS, 256);
      long uniform =
          parameters(run(model, "low-rank", "parameter-ratio=0.4").plan(batches, _ -> {}));
      CompressionRun global =
          run(model, "low-rank", "parameter-ratio=0.4", "allocation=global", "whiten");
      long shared = parameters(global.plan(batches, _ -> {}));
      assertThat(shared).isLessThanOrEqualTo(uniform).isGreaterThan(uniform * 9 / 10);
    }
  }

  @Test
  void surveysSeeTheFisherBases() {
    try (var model = MoeModel.open(golden("mixtral"));
        CompressionRun run = run(model, "shared-delta", "energy=0.9", "base=fisher")) {
      List<TokenBatch> batches = TokenBatch.split(TOKENS, 256);
      assertThatThrownBy(() -> run.plan(batches, _ -> {})).hasMessageContaining("backward");
      run.measure(batches, _ -> {});
      long fisher = parameters(run.plan(batches, _ -> {}));
      CompressionRun other = run(model, "shared-delta", "energy=0.9", "base=uniform");
      assertThat(fisher).isNotEqualTo(parameters(other.plan(batches, _ -> {})));
    }
  }

  @Test
  void aBackwardPassIsPartOfTheCost() {
    try (var model = MoeModel.open(golden("mixtral"));
        CompressionRun fisher = run(model, "shared-delta", "rank=4", "base=fisher");
        CompressionRun frequency = run(model, "shared-delta", "rank=4")) {
      long tokens = 1L << 22;
      long states = (model.architecture().layers() + 1) * tokens * hidden(model) * 4;
      assertThat(fisher.temporaryBytes(tokens)).isEqualTo(states);
      assertThat(fisher.temporaryBytes(1 << 10)).isZero();
      assertThat(frequency.temporaryBytes(tokens)).isZero();
      assertThat(fisher.forwards()).isEqualTo(frequency.forwards() + 4);
      assertThat(fisher.passes()).isEqualTo(frequency.passes());
    }
  }

  private static long parameters(List<CompactForm> forms) {
    return forms.stream().mapToLong(CompactForm::parameters).sum();
  }

  @Test
  void sequentialCalibratesOnWhatIsThere() {
    try (var model = MoeModel.open(golden("mixtral"))) {
      Compressor compressor =
          CompressionMethods.named("low-rank")
              .configure(CompressionMethodsTest.given("rank=4", "whiten"));
      for (boolean sequential : List.of(false, true)) {
        var run = new CompressionRun(model, compressor, sequential, Dtype.F32, 3);
        compact(model, run, temporary.resolve("out-" + sequential));
      }
      try (var plain = MoeModel.open(temporary.resolve("out-false"));
          var sequential = MoeModel.open(temporary.resolve("out-true"))) {
        assertThat(loss(sequential)).isFinite().isNotEqualTo(loss(plain));
      }
    }
  }
}
