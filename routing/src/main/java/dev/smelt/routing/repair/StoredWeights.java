package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Tensors of a layer that are trained as the checkpoint stores them: factors, kept neurons and
 * bases of experts in compact form. What is not trained is read anew for each step.
 *
 * @param model the checkpoint; must stay open
 * @param moe the layer
 * @param compute type of the block
 * @param tensors what is trained
 * @param masters their values
 */
record StoredWeights(
    MoeModel model, MoeLayer moe, Dtype compute, List<StoredTensor> tensors, List<Tensor> masters)
    implements Trainable {
  /** Copies the weights of a layer; the copies belong to the open scope. */
  static StoredWeights of(MoeModel model, MoeLayer moe, Dtype compute, List<StoredTensor> tensors) {
    Weights stored = new Weights(model.checkpoint(), compute);
    List<Tensor> masters =
        tensors.stream().map(t -> stored.own(t).to(stored.wide())).map(Trainable::master).toList();
    masters.forEach(Autograd::require);
    return new StoredWeights(model, moe, compute, List.copyOf(tensors), masters);
  }

  @Override
  public MoeBlock with(List<Tensor> weights) {
    Map<String, Tensor> replaced = new LinkedHashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      replaced.put(tensors.get(i).name(), weights.get(i));
    }
    return block(replaced);
  }

  /** The block with other values in some of the tensors, by name. */
  private MoeBlock block(Map<String, Tensor> replaced) {
    return model.block(moe, new Weights(model.checkpoint(), compute, replaced)).routedOnly();
  }

  /**
   * The layer as it will be written.
   *
   * @param weights values of all tensors; without any the layer stays as it is
   */
  ReducedBlock stored(List<Integer> rows, List<Tensor> weights) {
    SequencedMap<StoredTensor, Tensor> values = new LinkedHashMap<>();
    for (int i = 0; i < weights.size(); i++) {
      values.put(tensors.get(i), weights.get(i).detach().to(tensors.get(i).dtype()).contiguous());
    }
    return stored(rows, values);
  }

  /** The layer with these values, which are in the types of the checkpoint. */
  ReducedBlock stored(List<Integer> rows, SequencedMap<StoredTensor, Tensor> values) {
    Map<String, Tensor> replaced = new LinkedHashMap<>();
    values.forEach((tensor, value) -> replaced.put(tensor.name(), value));
    return new ReducedBlock(rows, block(replaced), values);
  }
}
