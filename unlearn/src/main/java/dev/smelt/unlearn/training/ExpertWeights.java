package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.ExpertTensor;
import dev.smelt.model.FeedForward;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.export.TensorPatch;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.unlearn.attribution.ExpertId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * The matrices (and biases, where it has them) of some experts, and the router matrix of each of
 * their layers; everything else is frozen (SEUF, section 4).
 */
final class ExpertWeights implements TrainedWeights {
  private final MoeModel model;
  private final Dtype compute;
  private final Map<Integer, DecoderLayer> resident = new LinkedHashMap<>();
  private final LanguageHead head;
  private final SequencedMap<Integer, Tensor> routers = new LinkedHashMap<>();
  private final SequencedMap<ExpertId, Expert> experts = new LinkedHashMap<>();

  /** Reads the layers from {@code first} on into the open scope. */
  ExpertWeights(MoeModel model, Dtype compute, List<ExpertId> targets, int first) {
    this.model = model;
    this.compute = compute;
    for (int l = first; l < model.architecture().layers(); l++) {
      resident.put(l, model.layer(l, compute));
    }
    head = model.head(compute);
    Weights source = new Weights(model.checkpoint(), Dtype.F32);
    for (ExpertId target : targets) {
      MoeLayer moe = moe(target);
      requirePlain(moe);
      routers.computeIfAbsent(target.layer(), _ -> Masters.of(model.router(source, moe).weight()));
      Expert stored = moe.experts().load(source, target.expert());
      experts.put(target, stored.map((_, weight) -> Masters.of(weight)));
    }
  }

  private MoeLayer moe(ExpertId target) {
    return model.moeLayer(target.layer()).orElseThrow();
  }

  static void requirePlain(MoeLayer moe) {
    if (moe.experts().isQuantised() || moe.router().dtype().bytes() < 2) {
      throw SmeltException.unsupported(
          "layer "
              + moe.layer()
              + ": its experts are quantised, and trained ones cannot be written",
          "start from a checkpoint in bf16");
    }
  }

  @Override
  public List<Tensor> masters() {
    List<Tensor> masters = new ArrayList<>(routers.values());
    experts.values().forEach(expert -> masters.addAll(expert.parts().values()));
    return masters;
  }

  @Override
  public int firstLayer() {
    return routers.keySet().stream().mapToInt(Integer::intValue).min().orElseThrow();
  }

  @Override
  public DecoderLayer layer(int index) {
    DecoderLayer layer = resident.get(index);
    if (!routers.containsKey(index)) {
      return layer;
    }
    MoeBlock block = ((FeedForward.Sparse) layer.feedForward()).block();
    List<Expert> all = new ArrayList<>(block.experts());
    experts.forEach(
        (id, expert) -> {
          if (id.layer() == index) {
            all.set(id.expert(), expert.map((_, master) -> master.to(compute)));
          }
        });
    Dtype routerType = block.router().weight().dtype();
    return layer.with(
        new FeedForward.Sparse(
            block.with(block.router().with(routers.get(index).to(routerType)), all)));
  }

  @Override
  public LanguageHead head() {
    return head;
  }

  @Override
  public List<TensorPatch> patches() {
    List<TensorPatch> patches = new ArrayList<>();
    routers.forEach(
        (layer, matrix) ->
            patches.add(new TensorPatch(model.moeLayer(layer).orElseThrow().router(), 0, matrix)));
    experts.forEach(
        (id, expert) ->
            moe(id)
                .experts()
                .arrange(id.expert(), expert)
                .forEach(
                    (tensor, values) ->
                        patches.add(
                            new TensorPatch(
                                tensor, offset(moe(id), tensor, id.expert()), values))));
    return patches;
  }

  /** Where in a tensor the part of an expert begins, in bytes. */
  private static long offset(MoeLayer moe, StoredTensor tensor, int expert) {
    for (ExpertTensor part : moe.experts().parts()) {
      if (part.tensor().equals(tensor) && part instanceof ExpertTensor.Sliced sliced) {
        return expert * sliced.span() * (tensor.bytes() / tensor.dim(sliced.dimension()));
      }
    }
    return 0;
  }

  @Override
  public void round() {
    routers.forEach(
        (layer, matrix) ->
            Masters.round(matrix, model.moeLayer(layer).orElseThrow().router().dtype()));
    experts.forEach(
        (id, expert) -> {
          Dtype stored = moe(id).experts().tensors().getFirst().dtype();
          for (Map.Entry<ExpertPart, Tensor> part : expert.parts().entrySet()) {
            Masters.round(part.getValue(), stored);
          }
        });
  }
}
