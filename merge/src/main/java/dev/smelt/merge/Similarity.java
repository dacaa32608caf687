package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How alike two experts of a layer are: a cosine between -1 and 1. */
public enum Similarity {
  /** Of their router logits over all calibration tokens. */
  ROUTER_LOGITS {
    @Override
    double[] gram(LayerContext context) {
      return context.statistics().logitGram();
    }
  },
  /** Of their router logits less each token's mean over experts, which all logits share. */
  CENTRED_ROUTER_LOGITS {
    @Override
    double[] gram(LayerContext context) {
      return context.statistics().logitGramCentred();
    }
  },
  /** Of all their weights in one vector. */
  EXPERT_WEIGHTS {
    @Override
    double[] gram(LayerContext context) {
      List<Tensor> rows = new ArrayList<>();
      for (int e = 0; e < context.experts(); e++) {
        Expert expert = context.expert(e);
        rows.add(
            Tensors.concat(
                List.of(
                    expert.gate().reshape(-1), expert.up().reshape(-1), expert.down().reshape(-1)),
                0));
      }
      return gramOf(rows);
    }
  },
  /** Of gate and up in one vector. */
  GATE_AND_UP {
    @Override
    double[] gram(LayerContext context) {
      List<Tensor> rows = new ArrayList<>();
      for (int e = 0; e < context.experts(); e++) {
        Expert expert = context.expert(e);
        rows.add(Tensors.concat(List.of(expert.gate().reshape(-1), expert.up().reshape(-1)), 0));
      }
      return gramOf(rows);
    }
  },
  /** Of their rows in the router. */
  ROUTER_ROWS {
    @Override
    double[] gram(LayerContext context) {
      Tensor rows = context.routerRows().to(Dtype.F64);
      return rows.matmul(rows.transpose(0, 1)).toDoubles();
    }
  },
  /** Of their outputs on the sampled tokens, all in one vector. */
  EXPERT_OUTPUTS {
    @Override
    double[] gram(LayerContext context) {
      Tensor inputs = context.sampledInputs();
      List<Tensor> rows = new ArrayList<>();
      for (int e = 0; e < context.experts(); e++) {
        try (var scope = Scope.open()) {
          rows.add(scope.keep(context.expert(e).apply(inputs).reshape(-1)));
        }
      }
      return gramOf(rows);
    }
  };

  /** Inner products of the features of all pairs, [E, E]. */
  abstract double[] gram(LayerContext context);

  private static double[] gramOf(List<Tensor> rows) {
    Tensor all = Tensors.stack(rows);
    return all.matmul(all.transpose(0, 1)).toDoubles();
  }

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Cosines of all pairs, [E, E]; 0 where an expert has no direction. */
  public double[][] of(LayerContext context) {
    double[] gram;
    try (var _ = Scope.open()) {
      gram = gram(context);
    }
    return cosines(gram, context);
  }

  /** Cosines from inner products [E, E]. */
  static double[][] cosines(double[] gram, LayerContext context) {
    int n = context.experts();
    double[][] cosine = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double norms = Math.sqrt(gram[i * n + i] * gram[j * n + j]);
        if (!Double.isFinite(norms) || !Double.isFinite(gram[i * n + j])) {
          throw SmeltException.checkpoint(
              "layer %d: the similarity of experts %d and %d is not finite"
                  .formatted(context.layer(), i, j),
              "smelt verify MODEL names weights that are not finite");
        }
        cosine[i][j] = norms > 0 ? gram[i * n + j] / norms : 0;
      }
    }
    return cosine;
  }
}
