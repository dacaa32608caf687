package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.ExpertSlots;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Keeps the experts that contribute most: the sum of {@code (g * ||f||)^2} over an expert's routed
 * tokens, weighted as the repair weights them.
 *
 * @param keep how many experts are kept in every layer
 */
public record Contribution(int keep) implements LayerEdit {
  @Override
  public ReducedBlock reduce(int layer, MoeBlock original, RepairTokens tokens) {
    double[] scores = scores(original, tokens);
    List<Integer> survivors =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer e) -> -scores[e]))
            .limit(keep)
            .sorted()
            .toList();
    return ReducedBlock.keep(original, survivors);
  }

  /** The contribution of each expert. */
  public static double[] scores(MoeBlock block, RepairTokens tokens) {
    MoeBlock routed = block.routedOnly();
    Sum sum = new Sum(new double[block.experts().size()]);
    tokens.forEach(
        tokens.split().training(),
        piece -> {
          Tensor weights = piece.rows().weights();
          routed.apply(piece.rows().inputs(), 0, sum.weighted(weights));
        });
    return sum.scores();
  }

  private record Sum(double[] scores) {
    private MoeObserver weighted(Tensor weights) {
      return new MoeObserver() {
        @Override
        public void computed(int layer, ExpertSlots slots) {
          add(slots, weights);
        }
      };
    }

    private void add(ExpertSlots slots, Tensor weights) {
      Tensor norms = slots.outputs().to(Dtype.F32).square().sum(-1);
      Tensor weight = weights.to(Dtype.F32).reshape(-1).indexSelect(0, slots.tokens());
      Tensor values = norms.mul(slots.gates().to(Dtype.F32).square()).mul(weight);
      Tensor sums = Tensors.zeros(Dtype.F64, scores.length);
      sums.indexAddInPlace(slots.experts(), values.to(Dtype.F64));
      double[] added = sums.toDoubles();
      Arrays.setAll(scores, e -> scores[e] + added[e]);
    }
  }
}
