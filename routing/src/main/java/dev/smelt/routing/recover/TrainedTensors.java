package dev.smelt.routing.recover;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.CompactStorage;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.compact.Piece;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.SequencedSet;
import java.util.Set;

/** Which tensors of a model are trained. */
public enum TrainedTensors {
  /** The matrices of the routed experts, with their biases. */
  EXPERTS,
  /** Matrices and biases of the routers. */
  ROUTER,
  /** The factors, kept neurons and shared bases of experts in compact form. */
  FACTORS,
  /** Every weight of the decoder, from the embedding to the output head. */
  ALL;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  private static final Set<Dtype> TRAINABLE = Set.of(Dtype.F64, Dtype.F32, Dtype.F16, Dtype.BF16);

  /**
   * The tensors, in the order of the checkpoint.
   *
   * @throws SmeltException if experts are to be trained that are quantised
   */
  public List<StoredTensor> of(MoeModel model) {
    Set<StoredTensor> chosen =
        switch (this) {
          case EXPERTS -> experts(model);
          case ROUTER -> routers(model);
          case FACTORS -> factors(model);
          case ALL -> all(model);
        };
    return model.checkpoint().tensors().values().stream()
        .filter(tensor -> chosen.contains(tensor) && TRAINABLE.contains(tensor.dtype()))
        .toList();
  }

  /**
   * The tensors of the experts and the router of one layer, which are all that layerwise training
   * changes; in the order of the checkpoint.
   *
   * @throws SmeltException if experts are to be trained that are quantised
   */
  public List<StoredTensor> of(MoeModel model, MoeLayer moe) {
    Set<StoredTensor> layer = new LinkedHashSet<>(moe.experts().tensors());
    layer.add(moe.router());
    return of(model).stream().filter(layer::contains).toList();
  }

  private static SequencedSet<StoredTensor> experts(MoeModel model) {
    SequencedSet<StoredTensor> tensors = new LinkedHashSet<>();
    for (MoeLayer moe : model.moeLayers()) {
      requirePlain(moe);
      tensors.addAll(moe.experts().tensors());
    }
    return tensors;
  }

  private static Set<StoredTensor> factors(MoeModel model) {
    Set<StoredTensor> tensors = new LinkedHashSet<>();
    for (MoeLayer moe : model.moeLayers()) {
      if (moe.experts() instanceof CompactStorage compact) {
        compact.layout().bases().forEach(p -> tensors.add(compact.tensor(compact.names().base(p))));
        for (int k = 0; k < compact.layout().experts().size(); k++) {
          addFactors(compact, k, tensors);
        }
      }
    }
    return tensors;
  }

  private static void addFactors(CompactStorage compact, int k, Set<StoredTensor> tensors) {
    for (MatrixForm matrix : compact.layout().experts().get(k).matrices().values()) {
      matrix.shapes().keySet().stream()
          .filter(piece -> piece != Piece.FULL)
          .forEach(
              piece -> tensors.add(compact.tensor(compact.names().piece(k, matrix.part(), piece))));
    }
  }

  private static void requirePlain(MoeLayer moe) {
    if (moe.experts().isQuantised()) {
      throw SmeltException.unsupported(
          "layer " + moe.layer() + ": experts are quantised and cannot be trained",
          "train the routers alone, or start from a checkpoint in bf16");
    }
  }

  private static Set<StoredTensor> routers(MoeModel model) {
    Set<StoredTensor> tensors = new LinkedHashSet<>();
    for (MoeLayer moe : model.moeLayers()) {
      tensors.add(moe.router());
      moe.companions().bias().ifPresent(tensors::add);
    }
    return tensors;
  }

  /** All but the biases that only the choice of experts depends on, which have no gradient. */
  private static Set<StoredTensor> all(MoeModel model) {
    model.moeLayers().forEach(TrainedTensors::requirePlain);
    Set<StoredTensor> tensors = new LinkedHashSet<>();
    model.decoderTensors().stream()
        .filter(tensor -> TRAINABLE.contains(tensor.dtype()))
        .forEach(tensors::add);
    for (MoeLayer moe : model.moeLayers()) {
      moe.companions().correction().ifPresent(tensors::remove);
    }
    return tensors;
  }
}
