package dev.smelt.routing.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Resources;
import dev.smelt.model.Weights;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactMatrix;
import dev.smelt.model.compact.ExpertForms;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.compact.Piece;
import dev.smelt.model.export.CompactWriter;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.recover.TrainedTensors;
import dev.smelt.routing.train.TrainingObserver;
import dev.smelt.routing.train.TrainingState;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Layerwise training of tensors as they are stored, on models in compact form of every kind at
 * once: one matrix whole, one of factors and kept neurons on a shared base, one of factors, and two
 * rows of the router that share an expert.
 */
class StoredWeightsTest {
  private static final int RANK = 3;
  private static final int KEPT = 2;
  private static final int TOKENS = 48;

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"olmoe", "mixtral", "qwen3_moe"})
  void gradientsAgreeWithFiniteDifferences(String family) {
    try (MoeModel model = compact(family);
        var _ = Scope.open()) {
      MoeLayer moe = model.moeLayers().getFirst();
      List<StoredTensor> tensors = TrainedTensors.ALL.of(model, moe);
      StoredWeights weights = StoredWeights.of(model, moe, Dtype.F64, tensors);
      assertThat(tensors).hasSize(moe.experts().tensors().size() + 1 - indices(moe));
      var rows =
          tokens(model, weights.current(), 0.3, TOKENS).rows(IntStream.range(0, TOKENS).toArray());
      List<Tensor> gradients;
      try (var recording = Autograd.record()) {
        gradients =
            recording.gradients(
                OutputObjective.loss(weights.current(), rows, 1), weights.masters());
      }
      Random random = new Random(4);
      for (int m = 0; m < gradients.size(); m++) {
        int element = random.nextInt((int) gradients.get(m).elements());
        double expected =
            Fixture.slope(weights, m, element, b -> OutputObjective.loss(b, rows, 1).item());
        double actual = gradients.get(m).toDoubles()[element];
        assertThat(actual)
            .as(tensors.get(m).name())
            .isEqualTo(expected, within(1e-6 * Math.max(1, Math.abs(expected))));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"olmoe"})
  void trainsTheFactorsAndTellsWhatIsWritten(String family) {
    try (MoeModel model = compact(family);
        var _ = Scope.open()) {
      MoeLayer moe = model.moeLayers().getFirst();
      List<StoredTensor> tensors = TrainedTensors.FACTORS.of(model, moe);
      MoeBlock block = model.block(moe, new Weights(model.checkpoint(), Dtype.F32));
      StoredWeights start = StoredWeights.of(model, moe, Dtype.F32, tensors);
      List<Tensor> other = new ArrayList<>();
      start.masters().forEach(m -> other.add(m.detach().mul(1.2)));
      TokenMatrix tokens = tokens(model, start.with(other), 0, 320);
      FitResult result =
          Fit.fit(
              block,
              _ -> StoredWeights.of(model, moe, Dtype.F32, tensors),
              new OutputObjective(tokens),
              new FitOptions(30, 128, 0.03, 0.1, 10, 5),
              TrainingState.NONE,
              TrainingObserver.NONE);
      assertThat(result.heldOutAfter()).isLessThan(0.5 * result.heldOutBefore());
      List<Integer> all = IntStream.range(0, block.experts().size()).boxed().toList();
      ReducedBlock written =
          StoredWeights.of(model, moe, Dtype.F32, tensors).stored(all, result.weights());
      assertThat(written.tensors().keySet()).containsExactlyElementsOf(tensors);
      assertThat(Fixture.difference(written.block(), result.block())).isLessThan(2e-2);
      assertThat(BlockError.of(written.block(), tokens, tokens.split().heldOut()).relative())
          .isEqualTo(result.heldOutAfter(), within(0.02));
    }
  }

  private static int indices(MoeLayer moe) {
    return (int) moe.experts().tensors().stream().filter(t -> t.dtype().equals(Dtype.I32)).count();
  }

  /** Random inputs; targets are what the block gives, and noise. */
  private static TokenMatrix tokens(MoeModel model, MoeBlock block, double noise, int count) {
    int hidden = model.architecture().hidden();
    Dtype dtype = block.router().weight().dtype();
    Tensor inputs = Fixture.random(7, 1, count, hidden).to(dtype);
    Tensor away = Fixture.random(8, noise, count, hidden).to(dtype);
    Tensor targets = block.apply(inputs, 0, MoeObserver.NONE).add(away);
    int sequences = count / Fixture.SEQUENCE;
    TokenSplit split = TokenSplit.draw(Collections.nCopies(sequences, Fixture.SEQUENCE), 1);
    return new TokenMatrix(inputs, targets.detach(), split);
  }

  /** A tiny model of a family with random experts in compact form. */
  private MoeModel compact(String family) {
    Path target = directory.resolve("compact");
    try (MoeModel source = MoeModel.open(Resources.path("golden").resolve(family))) {
      List<CompactForm> forms = source.moeLayers().stream().map(moe -> form(source, moe)).toList();
      try (CompactWriter writer =
          CompactWriter.create(source, target, forms, new WriterOptions(Long.MAX_VALUE, false))) {
        writer.copyKept();
        for (CompactForm form : forms) {
          write(source, form, writer);
        }
        writer.commit();
      }
    }
    return MoeModel.open(target);
  }

  private static CompactForm form(MoeModel model, MoeLayer moe) {
    List<ExpertForms> experts =
        Collections.nCopies(
            moe.experts().count() - 1,
            ExpertForms.of(
                model.architecture().hidden(),
                moe.experts().width(),
                true,
                (part, rows, columns) ->
                    switch (part) {
                      case GATE -> MatrixForm.whole(part, rows, columns);
                      case UP -> new MatrixForm(part, rows, columns, RANK, KEPT);
                      default -> new MatrixForm(part, rows, columns, RANK, 0);
                    }));
    List<Integer> map = new ArrayList<>(CompactForm.identity(experts.size()));
    map.add(0);
    SequencedSet<ExpertPart> bases = new LinkedHashSet<>(List.of(ExpertPart.UP));
    return new CompactForm(moe.layer(), experts, map, bases, false);
  }

  private static void write(MoeModel model, CompactForm form, CompactWriter writer) {
    try (var _ = Scope.open()) {
      Dtype dtype = model.moeLayer(form.layer()).orElseThrow().experts().valueType();
      MatrixForm up = form.experts().getFirst().get(ExpertPart.UP);
      writer.base(
          form.layer(),
          ExpertPart.UP,
          Fixture.random(50, 0.2, (int) up.rows(), (int) up.columns()).to(dtype));
      Expert any =
          model
              .block(
                  model.moeLayer(form.layer()).orElseThrow(),
                  new Weights(model.checkpoint(), Dtype.F32))
              .experts()
              .getFirst();
      for (int e = 0; e < form.experts().size(); e++) {
        SequencedMap<ExpertPart, CompactMatrix> matrices = new LinkedHashMap<>();
        for (MatrixForm matrix : form.experts().get(e).matrices().values()) {
          matrices.put(matrix.part(), new CompactMatrix(matrix, pieces(matrix, 100L * e, dtype)));
        }
        writer.expert(form.layer(), e, new CompactExpert(matrices, Optional.empty()), any);
      }
    }
  }

  private static SequencedMap<Piece, Tensor> pieces(MatrixForm matrix, long seed, Dtype dtype) {
    SequencedMap<Piece, Tensor> pieces = new LinkedHashMap<>();
    matrix
        .shapes()
        .forEach(
            (piece, shape) ->
                pieces.put(
                    piece,
                    piece == Piece.INDEX
                        ? Tensors.ofInts(IntStream.range(1, 1 + KEPT).toArray()).to(Dtype.I32)
                        : Fixture.random(
                                seed
                                    + 10L * matrix.part().name().hashCode()
                                    + piece.name().hashCode(),
                                0.3,
                                shape.get(0).intValue(),
                                shape.get(1).intValue())
                            .to(dtype)));
    return pieces;
  }
}
