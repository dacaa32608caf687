package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What all experts of a layer answer to the sampled tokens, whether they are routed to them or not.
 * Outputs are computed when they are needed and are not held for all tokens at once.
 */
final class SampledOutputs {
  /** Bound on the bytes of the outputs that are held. */
  private static final long CHUNK_BYTES = 256L << 20;

  private final LayerContext context;
  private final Tensor inputs;

  /** The inputs belong to the open scope. */
  SampledOutputs(LayerContext context) {
    this.context = context;
    inputs = context.sampledInputs();
  }

  /** The inputs, [S, H]. */
  Tensor inputs() {
    return inputs;
  }

  /** Mean over the tokens of the cosines between the outputs of all pairs, [E, E] row by row. */
  double[] meanCosines() {
    int n = context.experts();
    long tokens = inputs.size(0);
    long chunk = Math.clamp(CHUNK_BYTES / (n * inputs.size(1) * Dtype.F32.bytes()), 1, tokens);
    double[] sum = new double[n * n];
    for (long from = 0; from < tokens; from += chunk) {
      try (var _ = Scope.open()) {
        Tensor piece = inputs.narrow(0, from, Math.min(chunk, tokens - from));
        Tensor all = Tensors.empty(Dtype.F32, n, piece.elements());
        Parallel.forEach(n, e -> writeDirections(e, piece, all));
        double[] products = all.matmul(all.transpose(0, 1)).toDoubles();
        Arrays.setAll(sum, i -> sum[i] + products[i] / tokens);
      }
    }
    requireFinite(sum);
    return sum;
  }

  /** Writes an expert's outputs in length 1, all in one row. */
  private void writeDirections(int e, Tensor piece, Tensor all) {
    try (var _ = Scope.open()) {
      Tensor row = all.select(0, e);
      Tensor output = context.expert(e).apply(piece);
      Tensor norm = output.norm(-1).clamp(Float.MIN_NORMAL, Float.MAX_VALUE);
      row.copyFrom(output.div(norm.unsqueeze(-1)).reshape(-1));
    }
  }

  /**
   * Weighted means of the outputs of all experts, F64, [E, H].
   *
   * @param shares weight of each token for each expert, [S, E]
   */
  Tensor means(Tensor shares) {
    try (var scope = Scope.open()) {
      List<Tensor> rows = new ArrayList<>();
      for (int e = 0; e < context.experts(); e++) {
        Tensor share = shares.narrow(1, e, 1).transpose(0, 1);
        rows.add(mean(e, share));
      }
      return scope.keep(Tensors.concat(rows, 0));
    }
  }

  private Tensor mean(int e, Tensor share) {
    try (var scope = Scope.open()) {
      Expert expert = context.expert(e);
      Tensor output = expert.apply(inputs);
      Tensor sum = share.matmul(output).to(Dtype.F64);
      Tensor mean = sum.mul(1.0 / inputs.size(0));
      requireFinite(mean, e);
      return scope.keep(mean);
    }
  }

  /** Norms of the outputs, F32, [S, E]. */
  Tensor norms() {
    try (var scope = Scope.open()) {
      List<Tensor> columns = new ArrayList<>();
      for (int e = 0; e < context.experts(); e++) {
        try (var inner = Scope.open()) {
          Tensor norms = context.expert(e).apply(inputs).norm(-1);
          requireFinite(norms, e);
          columns.add(inner.keep(norms.unsqueeze(-1)));
        }
      }
      return scope.keep(Tensors.concat(columns, 1));
    }
  }

  private void requireFinite(double[] cosines) {
    int n = context.experts();
    for (int i = 0; i < cosines.length; i++) {
      if (!Double.isFinite(cosines[i])) {
        throw overflow(i / n);
      }
    }
  }

  private void requireFinite(Tensor values, int e) {
    if (!Double.isFinite(values.norm().item())) {
      throw overflow(e);
    }
  }

  private SmeltException overflow(int e) {
    return SmeltException.checkpoint(
        "layer %d, expert %d: its output on sampled tokens is NaN or infinite"
            .formatted(context.layer(), e),
        "smelt verify MODEL names weights that are not finite");
  }
}
