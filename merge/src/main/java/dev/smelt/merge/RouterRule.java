package dev.smelt.merge;

import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Which router row a merged expert gets. */
public enum RouterRule {
  /** That of the dominant expert, unchanged. */
  DOMINANT,
  /** The mean of the members' rows with the weights of the merge. */
  WEIGHTED,
  /** All rows stay, and those of a group choose the same expert; in compact form only. */
  REDIRECT;

  /** The name on the command line. */
  public String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Weighted rows of all groups, [K, H] in F32. */
  static Tensor weighted(LayerContext context, LayerPlan plan) {
    try (var scope = Scope.open()) {
      Tensor rows = context.routerRows();
      List<Tensor> merged = new ArrayList<>();
      for (Group group : plan.groups()) {
        float[] weights = new float[group.members().size()];
        for (int i = 0; i < weights.length; i++) {
          weights[i] = group.weights().get(i).floatValue();
        }
        int[] members = group.members().stream().mapToInt(Integer::intValue).toArray();
        Tensor share = Tensors.ofFloats(weights, 1, weights.length);
        merged.add(share.matmul(rows.indexSelect(0, Tensors.ofInts(members))));
      }
      return scope.keep(Tensors.concat(merged, 0));
    }
  }
}
