package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointDiff;
import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.export.LayerReduction;
import dev.smelt.model.export.ReductionWriter;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Experts dropped on disk give the same model as experts dropped in memory, in every family. */
class ReductionOfFamiliesTest {
  @TempDir private Path directory;

  /** Group-limited routers with two experts per group cannot lose any. */
  static List<String> goldens() {
    return Goldens.SUPPORTED.stream().filter(name -> !isGrouped(name)).toList();
  }

  private static boolean isGrouped(String name) {
    try (var model = Goldens.open(name)) {
      return model.architecture().groups() > 1;
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void droppedExpertsAreGone(String name) {
    Path target = directory.resolve("dropped");
    try (var model = Goldens.open(name)) {
      List<Integer> survivors = survivors(model);
      write(model, target, survivors, Set.of());
      try (var reduced = MoeModel.open(target);
          var golden = SafetensorsFile.open(Goldens.directory(name).resolve("golden.safetensors"));
          var _ = Scope.open()) {
        TokenBatch batch = Goldens.tokens(golden);
        Tensor expected = logits(model, batch, survivors);
        Tensor actual = logits(reduced, batch, List.of());
        assertThat(reduced.moeLayers())
            .allSatisfy(moe -> assertThat(moe.experts().count()).isEqualTo(survivors.size()));
        assertThat(Goldens.difference(actual, expected)).isLessThan(1e-5);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void writtenExpertsAreWhereCopiedOnesAre(String name) {
    try (var model = Goldens.open(name)) {
      if (model.moeLayers().getFirst().experts().isQuantised()) {
        return;
      }
      List<Integer> survivors = survivors(model);
      write(model, directory.resolve("copied"), survivors, Set.of());
      write(model, directory.resolve("written"), survivors, Set.of(0, 2));
    }
    try (var copied = Checkpoint.open(directory.resolve("copied"));
        var written = Checkpoint.open(directory.resolve("written"))) {
      assertThat(CheckpointDiff.between(copied, written).isEmpty()).isTrue();
    }
  }

  static List<String> all() {
    return Goldens.SUPPORTED;
  }

  /** What is said of a whole model is true of its layers. */
  @ParameterizedTest
  @MethodSource("all")
  void addsExpertsIfItsLayersDo(String name) {
    try (var model = Goldens.open(name);
        var _ = Scope.open()) {
      Tensor state = Tensors.zeros(Dtype.F32, 1, 2, model.architecture().hidden());
      for (MoeLayer moe : model.moeLayers()) {
        DecoderLayer layer = model.layer(moe.layer(), Dtype.F32);
        if (model.addsExperts()) {
          assertThat(layer.attend(state).shape()).containsExactly(state.shape());
        } else {
          assertThatThrownBy(() -> layer.attend(state)).hasMessageContaining("not the sum");
        }
      }
    }
  }

  private static List<Integer> survivors(MoeModel model) {
    return model.moeLayers().getFirst().experts().count() == 8
        ? List.of(0, 2, 3, 5, 7)
        : List.of(0, 1, 3);
  }

  private static void write(
      MoeModel model, Path target, List<Integer> survivors, Set<Integer> computed) {
    List<LayerReduction> layers =
        model.moeLayers().stream()
            .map(moe -> new LayerReduction(moe.layer(), survivors, computed, false))
            .toList();
    try (var writer = ReductionWriter.create(model, target, layers, WriterOptions.DEFAULTS);
        var _ = Scope.open()) {
      writer.copyKept();
      for (MoeLayer moe : model.moeLayers()) {
        Weights weights = new Weights(model.checkpoint(), Dtype.F32);
        for (int position : computed) {
          Expert expert = moe.experts().load(weights, survivors.get(position));
          writer.writeExpert(moe.layer(), position, expert);
        }
      }
      writer.commit();
    }
  }

  /** Logits of a model of which only some experts are left; none named leaves all. */
  private static Tensor logits(MoeModel model, TokenBatch batch, List<Integer> survivors) {
    Tensor hidden = model.embed(batch.ids(), Dtype.F32);
    for (int l = 0; l < model.architecture().layers(); l++) {
      DecoderLayer layer = model.layer(l, Dtype.F32);
      boolean reduce = !survivors.isEmpty() && layer.feedForward() instanceof FeedForward.Sparse;
      hidden = (reduce ? reduced(layer, survivors) : layer).apply(hidden, batch, MoeObserver.NONE);
    }
    return model.head(Dtype.F32).logits(hidden);
  }

  private static DecoderLayer reduced(DecoderLayer layer, List<Integer> survivors) {
    MoeBlock block = ((FeedForward.Sparse) layer.feedForward()).block();
    List<Integer> rows = new ArrayList<>(survivors);
    for (int row = block.experts().size(); row < block.router().experts(); row++) {
      rows.add(row);
    }
    Tensor index = Tensors.ofInts(rows.stream().mapToInt(Integer::intValue).toArray());
    return layer.with(
        new FeedForward.Sparse(
            block.with(
                block.router().select(index),
                survivors.stream().map(block.experts()::get).toList())));
  }
}
