package dev.smelt.routing.repair;

import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Optional;

/**
 * Ridge regression of what is missing on the features of one expert, for any ridge at the price of
 * one: in the eigenvectors of the Gram matrix the solution is a quotient for each eigenvalue.
 *
 * @param vectors eigenvectors of the sums of z z^T over training tokens in columns, F64, [I, I]
 * @param values their eigenvalues, none negative, F64, [I]
 * @param judge the sums of z z^T over held-out tokens in the basis of the eigenvectors, F64, [I, I]
 */
record RidgeProblem(Tensor vectors, Tensor values, Tensor judge) {
  /** The problem with these sums of z z^T, F64, [I, I]. */
  static RidgeProblem of(Tensor training, Tensor heldOut) {
    var eigen = Linalg.eigh(training);
    Tensor vectors = eigen.vectors();
    Tensor judge = vectors.transpose(0, 1).matmul(heldOut).matmul(vectors);
    return new RidgeProblem(vectors, eigen.values().relu(), judge);
  }

  /** The problem that {@link #packed} has made one tensor of. */
  static RidgeProblem unpacked(Tensor packed) {
    long width = packed.size(1);
    return new RidgeProblem(
        packed.narrow(0, 0, width), packed.select(0, 2 * width), packed.narrow(0, width, width));
  }

  /** Everything in one tensor, F64, [2 I + 1, I]. */
  Tensor packed() {
    return Tensors.concat(List.of(vectors, judge, values.unsqueeze(0)), 0);
  }

  /**
   * The solution for the ridge with which held-out tokens gain most.
   *
   * @param change what is added to the down projection, F64, [H, I]
   * @param gain by how much it lowers the sum of squares over held-out tokens; above zero
   */
  record Step(Tensor change, double gain) {}

  /**
   * Solves with each ridge and takes the best step; none if held-out tokens gain with none.
   *
   * @param cross sums of z r^T over training tokens, r what is missing, F64, [I, H]
   * @param heldOut the same over held-out tokens
   * @param ridges relative to the mean eigenvalue
   */
  Optional<Step> best(Tensor cross, Tensor heldOut, List<Double> ridges) {
    Tensor columns = vectors.transpose(0, 1).matmul(cross);
    Tensor linear = columns.mul(vectors.transpose(0, 1).matmul(heldOut)).sum(1);
    Tensor square = columns.matmul(columns.transpose(0, 1)).mul(judge);
    double mean = values.mean().item();
    Tensor shrunk =
        Tensors.stack(ridges.stream().map(r -> values.add(r * mean).reciprocal()).toList());
    Tensor cost = shrunk.matmul(square).mul(shrunk).sum(1);
    double[] gains = shrunk.mul(linear).sum(1).mul(2).sub(cost).toDoubles();
    int best = 0;
    for (int i = 1; i < gains.length; i++) {
      best = gains[i] > gains[best] ? i : best;
    }
    if (!(gains[best] > 0)) {
      return Optional.empty();
    }
    Tensor scaled = columns.mul(shrunk.select(0, best).unsqueeze(1));
    return Optional.of(new Step(vectors.matmul(scaled).transpose(0, 1), gains[best]));
  }
}
