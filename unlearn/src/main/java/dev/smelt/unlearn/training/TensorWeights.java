package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.export.TensorPatch;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;

/** Whole tensors: those of one layer, or all of a model. */
final class TensorWeights implements TrainedWeights {
  private final MoeModel model;
  private final Dtype compute;
  private final int first;
  private final boolean whole;
  private final Map<Integer, DecoderLayer> resident = new LinkedHashMap<>();
  private final LanguageHead head;
  private final SequencedMap<StoredTensor, Tensor> masters = new LinkedHashMap<>();

  private TensorWeights(
      MoeModel model, Dtype compute, List<StoredTensor> tensors, int first, boolean whole) {
    this.model = model;
    this.compute = compute;
    this.first = first;
    this.whole = whole;
    head = model.head(compute);
    for (StoredTensor tensor : tensors) {
      masters.put(tensor, Masters.of(Weights.stored(model.checkpoint(), tensor)));
    }
  }

  /** All tensors of one layer; the layers after it are read into the open scope. */
  static TensorWeights ofLayer(MoeModel model, Dtype compute, int layer) {
    TensorWeights weights =
        new TensorWeights(model, compute, plain(model.layerTensors(layer)), layer, false);
    for (int l = layer + 1; l < model.architecture().layers(); l++) {
      weights.resident.put(l, model.layer(l, compute));
    }
    return weights;
  }

  /** All tensors of a model, except those of layers that predict further tokens. */
  static TensorWeights ofModel(MoeModel model, Dtype compute) {
    Set<StoredTensor> left = Set.copyOf(model.predictionTensors());
    List<StoredTensor> all =
        model.checkpoint().tensors().values().stream().filter(t -> !left.contains(t)).toList();
    return new TensorWeights(model, compute, plain(all), -1, true);
  }

  private static List<StoredTensor> plain(List<StoredTensor> tensors) {
    for (StoredTensor tensor : tensors) {
      if (tensor.dtype().bytes() == 1) {
        throw SmeltException.unsupported(
            "tensor " + tensor.name() + " is quantised, and trained ones cannot be written",
            "start from a checkpoint in bf16");
      }
    }
    return tensors.stream().filter(tensor -> tensor.dtype().isFloating()).toList();
  }

  /** The model's weights with the masters in their places. */
  Weights weights() {
    Map<String, Tensor> named =
        masters.entrySet().stream()
            .collect(Collectors.toMap(e -> e.getKey().name(), Map.Entry::getValue));
    return new Weights(model.checkpoint(), compute, named);
  }

  @Override
  public List<Tensor> masters() {
    return List.copyOf(masters.values());
  }

  @Override
  public int firstLayer() {
    return first;
  }

  @Override
  public DecoderLayer layer(int index) {
    DecoderLayer frozen = resident.get(index);
    return frozen == null ? model.layer(index, weights()) : frozen;
  }

  @Override
  public LanguageHead head() {
    return whole ? model.head(weights()) : head;
  }

  @Override
  public List<TensorPatch> patches() {
    List<TensorPatch> patches = new ArrayList<>();
    masters.forEach((tensor, values) -> patches.add(new TensorPatch(tensor, 0, values)));
    return patches;
  }

  @Override
  public void round() {
    masters.forEach((tensor, values) -> Masters.round(values, tensor.dtype()));
  }
}
