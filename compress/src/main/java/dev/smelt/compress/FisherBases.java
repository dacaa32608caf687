package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.TensorStore;
import dev.smelt.routing.repair.TokenSplit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.IntConsumer;

/**
 * For every layer and matrix the mean of the experts' weights, each element weighted with its
 * Fisher information: {@code W_b = sum_i F_i . W_i / sum_i F_i} (Gu et al., D2-MoE, ICML 2025),
 * with the diagonal {@code F_i = E[(dL/dW_i)^2]} of {@link SquaredGradients}.
 *
 * <p>An element that no expert has a gradient for is the mean weighted with how often experts were
 * chosen. Bases are one expert's worth of F32 for each layer; many lie in a temporary file.
 */
public final class FisherBases implements AutoCloseable {
  /** Bytes of bases, and of what enters the layers, above which they lie in a temporary file. */
  static final long MEMORY_LIMIT = 512L << 20;

  private final SequencedMap<Place, Integer> places;
  private final TensorStore store;

  private record Place(int layer, ExpertPart part) {}

  private FisherBases(SequencedMap<Place, Integer> places, TensorStore store) {
    this.places = places;
    this.store = store;
  }

  /**
   * Runs a model forward and backward on the tokens to learn from, and makes the bases.
   *
   * @param model the model
   * @param compute type of the passes
   * @param batches calibration tokens
   * @param seed decides which of them are held out
   * @param progress is told each layer that was run forward or backward
   * @throws SmeltException (checkpoint) if the loss is not finite, or if there is no sequence with
   *     two tokens to learn from
   */
  static FisherBases measure(
      MoeModel model, Dtype compute, List<TokenBatch> batches, long seed, IntConsumer progress) {
    List<int[]> all = batches.stream().flatMap(b -> b.sequences().stream()).toList();
    TokenSplit split = TokenSplit.draw(all.stream().map(s -> s.length).toList(), seed);
    List<int[]> some = split.training(all).stream().filter(s -> s.length > 1).toList();
    if (some.isEmpty()) {
      throw SmeltException.checkpoint(
          "no calibration sequence has two tokens to learn from, of which the first predicts the"
              + " second",
          "give more text");
    }
    int most = batches.stream().mapToInt(batch -> batch.size() * batch.length()).max().orElse(1);
    return compute(new BackwardPass(model, compute, some, most, MEMORY_LIMIT), progress);
  }

  /**
   * Runs a model forward and backward, and makes the bases of all layers.
   *
   * @param pass forward and backward
   * @param progress is told what {@link BackwardPass#run} tells
   */
  static FisherBases compute(BackwardPass pass, IntConsumer progress) {
    FisherBases bases = empty(pass.model(), pass.memoryLimit());
    try {
      pass.run((moe, squares) -> bases.put(pass.model(), moe, squares), progress);
      return bases;
    } catch (RuntimeException | Error e) {
      bases.close();
      throw e;
    }
  }

  private static FisherBases empty(MoeModel model, long memoryLimit) {
    SequencedMap<Place, Integer> places = new LinkedHashMap<>();
    List<long[]> shapes = new ArrayList<>();
    for (MoeLayer moe : model.moeLayers()) {
      LayerShape shape = LayerShape.of(moe, model.architecture().hidden());
      for (MatrixForm matrix : shape.whole().experts().getFirst().matrices().values()) {
        places.put(new Place(moe.layer(), matrix.part()), shapes.size());
        shapes.add(new long[] {matrix.rows(), matrix.columns()});
      }
    }
    return new FisherBases(places, TensorStore.create(shapes, Dtype.F32, memoryLimit));
  }

  private void put(MoeModel model, MoeLayer moe, SquaredGradients squares) {
    LayerWork work = LayerWork.of(model, moe);
    double[] shares = Shares.of(squares.counts());
    try (var _ = Scope.open()) {
      Map<ExpertPart, FisherMean> means = new EnumMap<>(ExpertPart.class);
      for (ExpertPart part : squares.experts().getFirst().keySet()) {
        List<Tensor> information = squares.experts().stream().map(own -> own.get(part)).toList();
        means.put(part, FisherMean.of(moe.layer(), information));
      }
      for (int e = 0; e < shares.length; e++) {
        int expert = e;
        try (var _ = Scope.open()) {
          CompactExpert.matricesOf(work.expert(e))
              .forEach((part, w) -> means.get(part).add(expert, w, shares[expert]));
        }
      }
      means.forEach(
          (part, mean) -> store.put(places.get(new Place(moe.layer(), part)), mean.sum()));
    }
  }

  /** The bases of a layer, F32, by matrix; they live as long as this and must not be modified. */
  Map<ExpertPart, Tensor> of(int layer) {
    Map<ExpertPart, Tensor> bases = new EnumMap<>(ExpertPart.class);
    places.forEach(
        (place, index) -> {
          if (place.layer() == layer) {
            bases.put(place.part(), store.get(index));
          }
        });
    return bases;
  }

  @Override
  public void close() {
    store.close();
  }
}
