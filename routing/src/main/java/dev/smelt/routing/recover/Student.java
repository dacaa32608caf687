package dev.smelt.routing.recover;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model whose trained weights are in memory in F32 (F64 if that is computed in), and whose other
 * weights are read as they are stored.
 *
 * <p>Tensors belong to the scope in which the student was made.
 */
public final class Student {
  private static final Set<Dtype> CONVERTED = Set.of(Dtype.F16, Dtype.BF16, Dtype.F32);

  private final MoeModel model;
  private final Dtype compute;
  private final List<StoredTensor> trained;
  private final List<Tensor> masters = new ArrayList<>();
  private final Map<String, Tensor> others = new LinkedHashMap<>();

  /**
   * Reads the weights.
   *
   * @param model the student; must stay open
   * @param trained its tensors that are trained
   * @param compute type of the forward pass
   */
  public Student(MoeModel model, List<StoredTensor> trained, Dtype compute) {
    this.model = model;
    this.compute = compute;
    this.trained = List.copyOf(trained);
    Weights stored = new Weights(model.checkpoint(), compute);
    trained.forEach(tensor -> masters.add(stored.own(tensor).to(stored.wide()).copy()));
    if (!compute.equals(Dtype.BF16)) {
      convertOthers(stored);
    }
  }

  /** Weights that are not trained are converted once and not in every step. */
  private void convertOthers(Weights stored) {
    for (StoredTensor tensor : model.decoderTensors()) {
      if (!trained.contains(tensor)
          && CONVERTED.contains(tensor.dtype())
          && !tensor.dtype().equals(compute)) {
        others.put(tensor.name(), stored.own(tensor).to(compute));
      }
    }
  }

  /** The tensors that are trained. */
  public List<StoredTensor> trained() {
    return trained;
  }

  /** The values of the trained tensors, contiguous, to be changed in place. */
  public List<Tensor> masters() {
    return masters;
  }

  /**
   * The trained weights in the types that they are computed in, as tensors whose gradients can be
   * asked for: the type of the computation for those that are stored in it or in less.
   */
  List<Tensor> leaves() {
    List<Tensor> leaves = new ArrayList<>();
    for (int i = 0; i < masters.size(); i++) {
      boolean single = trained.get(i).dtype().bytes() >= Dtype.F32.bytes();
      Tensor master = masters.get(i).detach();
      Tensor leaf = single ? master : master.to(compute);
      Autograd.require(leaf);
      leaves.add(leaf);
    }
    return leaves;
  }

  /** The weights with these in the place of the trained ones. */
  Weights weights(List<Tensor> leaves) {
    Map<String, Tensor> replaced = new LinkedHashMap<>(others);
    for (int i = 0; i < leaves.size(); i++) {
      replaced.put(trained.get(i).name(), leaves.get(i));
    }
    return new Weights(model.checkpoint(), compute, replaced);
  }

  /** The hidden states after each layer, [B, T, H]. */
  List<Tensor> states(TokenBatch batch, Weights weights) {
    List<Tensor> states = new ArrayList<>();
    Tensor state = model.embed(batch.ids(), weights);
    for (int l = 0; l < model.architecture().layers(); l++) {
      state = model.layer(l, weights).apply(state, batch, MoeObserver.NONE);
      states.add(state);
    }
    return states;
  }

  /** Logits of rows of the last hidden states: [n, H] to [n, V]. */
  Tensor logits(Tensor rows, Weights weights) {
    return model.head(weights).logits(rows);
  }

  /** The size of the vocabulary. */
  int vocabulary() {
    return model.architecture().vocabulary();
  }
}
