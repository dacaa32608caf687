package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.LayerStatistics;
import java.util.Locale;
import java.util.Optional;

/**
 * What a method may look at when it plans or merges one layer. Tensors belong to the open scope.
 *
 * @param model the source
 * @param moe the layer
 * @param statistics what its router did
 */
public record LayerContext(MoeModel model, MoeLayer moe, LayerStatistics statistics) {
  /** A layer of which nothing is known but its weights. */
  static LayerContext withoutStatistics(MoeModel model, MoeLayer moe) {
    int experts = moe.experts().count();
    return new LayerContext(model, moe, LayerStatistics.empty(moe.layer(), experts));
  }

  /** Index of the decoder layer. */
  public int layer() {
    return moe.layer();
  }

  /** Number of experts. */
  public int experts() {
    return moe.experts().count();
  }

  /**
   * Expert {@code e} in F32.
   *
   * @throws SmeltException (checkpoint) if a weight is NaN or infinite
   */
  public Expert expert(int e) {
    Expert expert = moe.experts().load(weights(), e);
    expert.parts().forEach((part, tensor) -> requireFinite(e, part, tensor));
    return expert;
  }

  private void requireFinite(int e, ExpertPart part, Tensor tensor) {
    if (!Double.isFinite(tensor.norm().item())) {
      String directory = model.checkpoint().directory().toString();
      throw SmeltException.checkpoint(
          "%s: layer %d, expert %d, %s: a weight is NaN or infinite"
              .formatted(directory, layer(), e, part.name().toLowerCase(Locale.ROOT)),
          "smelt verify " + directory + " lists the tensors");
    }
  }

  /** The router's matrix in F32, [E, H]. */
  public Tensor routerRows() {
    return weights().load(moe.router());
  }

  private Weights weights() {
    return new Weights(model.checkpoint(), Dtype.F32);
  }

  /** Router inputs of the sampled tokens in F32, [S, H]. */
  public Tensor sampledInputs() {
    var sample = statistics.sample();
    long hidden = model.architecture().hidden();
    long rows = sample.inputs().length / (hidden * sample.inputType().bytes());
    if (rows == 0) {
      throw SmeltException.checkpoint(
          "the statistics of layer " + layer() + " hold no sampled tokens",
          "gather them with smelt calibrate --sample 1024");
    }
    return Tensors.ofBytes(sample.inputs(), sample.inputType(), rows, hidden).to(Dtype.F32);
  }

  /** The sampled inputs, if a method asks for them. */
  public Optional<Tensor> sampledInputs(boolean wanted) {
    return wanted ? Optional.of(sampledInputs()) : Optional.empty();
  }
}
