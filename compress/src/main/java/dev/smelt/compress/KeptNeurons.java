package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Which neurons of what factors leave over are kept: those with the largest mean of {@code |S_ij|
 * ||x_j||}, the importance of Wanda (Sun et al., ICLR 2024) over whole neurons.
 */
final class KeptNeurons {
  private KeptNeurons() {}

  /**
   * Chooses neurons; of equal ones the first.
   *
   * @param rest [rows, columns]
   * @param form says how many
   * @param norms of the inputs of each matrix; without an entry all inputs count alike
   * @return ascending, I64, [kept]
   */
  static Tensor choose(Tensor rest, MatrixForm form, Map<ExpertPart, Tensor> norms) {
    Tensor size = rest.abs();
    Tensor weighted = norms.containsKey(form.part()) ? size.mul(norms.get(form.part())) : size;
    double[] scores = weighted.sum(1L - form.neuronDimension()).to(Dtype.F64).toDoubles();
    int[] chosen =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -scores[i]))
            .limit(form.kept())
            .mapToInt(Integer::intValue)
            .toArray();
    Arrays.sort(chosen);
    return Tensors.ofInts(chosen);
  }
}
