package dev.smelt.merge;

import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.LayerStatistics;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/** What an expert is worth when others of its layer are dropped: higher scores stay. */
public enum DropCriterion {
  /** Sum over its routed tokens of the square of gate value times norm of the output. */
  CONTRIBUTION {
    @Override
    double[] scores(LayerContext context, long seed) {
      return context.statistics().gatedNormSquareSum();
    }
  },
  /** Mean over its routed tokens of gate value times norm of the output (REAP, equation 9). */
  REAP {
    @Override
    double[] scores(LayerContext context, long seed) {
      LayerStatistics s = context.statistics();
      double[] means = new double[s.experts()];
      Arrays.setAll(means, e -> s.routed()[e] == 0 ? 0 : s.gatedNormSum()[e] / s.routed()[e]);
      return means;
    }
  },
  /** Share of the routed slots. */
  FREQUENCY {
    @Override
    double[] scores(LayerContext context, long seed) {
      return context.statistics().frequency();
    }
  },
  /** Sum of the gate values. */
  GATE_SUM {
    @Override
    double[] scores(LayerContext context, long seed) {
      return context.statistics().gateSum();
    }
  },
  /** Sum over its routed tokens of the norm of the output (REAP, equation 13). */
  EAN {
    @Override
    double[] scores(LayerContext context, long seed) {
      return context.statistics().normSum();
    }
  },
  /** From the weights alone: root mean square over mean absolute value (AIMER). */
  AIMER {
    @Override
    double[] scores(LayerContext context, long seed) {
      double[] scores = new double[context.experts()];
      for (int e = 0; e < scores.length; e++) {
        try (var _ = Scope.open()) {
          scores[e] = -flatness(context.expert(e));
        }
      }
      return scores;
    }
  },
  /** Drawn with the seed: the baseline that every criterion must beat. */
  RANDOM {
    @Override
    double[] scores(LayerContext context, long seed) {
      return new SplittableRandom(seed * 31 + context.layer()).doubles(context.experts()).toArray();
    }
  };

  /** The score of each expert, [E]. */
  abstract double[] scores(LayerContext context, long seed);

  /** Whether routing statistics are needed. */
  public boolean needsStatistics() {
    return this != AIMER && this != RANDOM;
  }

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Mean absolute value over root mean square of all weights of an expert. */
  private static double flatness(Expert expert) {
    double absolute = 0;
    double squares = 0;
    long count = 0;
    for (Tensor part : expert.parts().values()) {
      absolute += part.abs().sum().item();
      squares += part.square().sum().item();
      count += part.elements();
    }
    return squares == 0 ? 1 : absolute / count / Math.sqrt(squares / count);
  }
}
