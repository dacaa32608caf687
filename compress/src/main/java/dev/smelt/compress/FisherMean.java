package dev.smelt.compress;

import dev.smelt.io.SmeltException;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;

/**
 * The mean of one matrix over the experts of a layer, each element weighted with its Fisher
 * information; one expert is added after the other.
 *
 * @param information of each expert, of the shape of the matrix, F32 or F64
 * @param all the sum of the information
 * @param known where it is above zero
 * @param sum of what was added so far, of the type of the information
 */
record FisherMean(List<Tensor> information, Tensor all, Tensor known, Tensor sum) {
  /**
   * A mean of nothing, in the open scope.
   *
   * @param layer index, for messages
   * @param information squares of each expert
   * @throws SmeltException (checkpoint) if one is not finite
   */
  static FisherMean of(int layer, List<Tensor> information) {
    Tensor first = information.getFirst();
    Tensor all = Tensors.zeros(first.dtype(), first.shape());
    information.forEach(all::addInPlace);
    if (!Double.isFinite(all.maxAbs())) {
      throw SmeltException.checkpoint(
          "layer " + layer + ": a gradient of the loss is NaN or infinite", "try --compute f32");
    }
    Tensor sum = Tensors.zeros(first.dtype(), first.shape());
    return new FisherMean(information, all, all.greater(0), sum);
  }

  /**
   * Adds an expert.
   *
   * @param e which one
   * @param weight its matrix
   * @param share what it counts for where nobody has a gradient; all sum to 1
   */
  void add(int e, Tensor weight, double share) {
    try (var _ = Scope.open()) {
      Tensor otherwise = Tensors.scalar(share, all.dtype());
      Tensor weighting = Tensors.where(known, information.get(e).div(all), otherwise);
      sum.addProductInPlace(weighting, weight.to(all.dtype()));
    }
  }
}
