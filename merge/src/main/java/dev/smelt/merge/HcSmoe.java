package dev.smelt.merge;

import dev.smelt.io.Dtype;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/**
 * HC-SMoE: hierarchical clustering of mean expert outputs (Chen et al., "Retraining-Free Merging of
 * Sparse MoE via Hierarchical Clustering", ICML 2025, arXiv 2410.08589, section 3).
 *
 * <p>The feature of an expert is the mean of its ungated outputs over tokens; clusters are joined,
 * nearest pair first, until as many are left as experts are to stay; members are averaged by
 * frequency.
 *
 * <p>Deliberate differences: the mean is over the sampled tokens; the merged expert takes the place
 * and router row of the most used member, where the authors' code keeps all router rows and points
 * them to the same weights, which makes nothing smaller.
 */
final class HcSmoe implements MergeMethod {
  @Override
  public String name() {
    return "hc-smoe";
  }

  @Override
  public String summary() {
    return "clusters of experts whose outputs are alike in the mean, averaged by frequency";
  }

  @Override
  public boolean usesSimilarity() {
    return false;
  }

  @Override
  public MergeOptions adjusted(MergeOptions options) {
    return options.with(AlignmentMode.NONE);
  }

  @Override
  public Set<MergeOption> offered() {
    return Set.of(MergeOption.LINKAGE);
  }

  @Override
  public LayerPlan plan(LayerContext context, MergeOptions options) {
    double[][] distances = distances(meanOutputs(context), context.experts());
    double[] frequency = context.statistics().frequency();
    double[] weights = options.weights().of(context.statistics());
    return RouterCells.plan(
        context,
        options.experts(),
        (experts, keep) ->
            cluster(experts, keep, distances, options.linkage()).stream()
                .map(c -> Group.weighted(Ranking.descending(c, frequency).getFirst(), c, weights))
                .toList());
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group, MergeOptions options) {
    return AlignedAverage.of(context, group, options.align());
  }

  /** Mean outputs over the sampled tokens, [E, H] row by row. */
  private static double[] meanOutputs(LayerContext context) {
    SampledOutputs outputs = new SampledOutputs(context);
    Tensor ones = Tensors.full(1, Dtype.F32, outputs.inputs().size(0), context.experts());
    return outputs.means(ones).toDoubles();
  }

  private static double[][] distances(double[] rows, int n) {
    int width = rows.length / n;
    double[][] distances = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int h = 0; h < width; h++) {
          double difference = rows[i * width + h] - rows[j * width + h];
          sum += difference * difference;
        }
        distances[i][j] = Math.sqrt(sum);
      }
    }
    return distances;
  }

  /** Joins the nearest pair, the first of equal ones, until few enough clusters are left. */
  private static List<List<Integer>> cluster(
      List<Integer> experts, int keep, double[][] distances, Linkage linkage) {
    int n = experts.size();
    List<List<Integer>> clusters = new ArrayList<>();
    double[][] apart = new double[n][n];
    for (int i = 0; i < n; i++) {
      clusters.add(new ArrayList<>(List.of(experts.get(i))));
      for (int j = 0; j < n; j++) {
        apart[i][j] = distances[experts.get(i)][experts.get(j)];
      }
    }
    for (int left = n; left > keep; left--) {
      join(clusters, apart, linkage);
    }
    clusters.removeIf(List::isEmpty);
    clusters.forEach(Collections::sort);
    return clusters;
  }

  private static void join(List<List<Integer>> clusters, double[][] apart, Linkage linkage) {
    int n = clusters.size();
    int first = -1;
    int second = -1;
    for (int i = 0; i < n; i++) {
      for (int j = i + 1; j < n; j++) {
        boolean both = !clusters.get(i).isEmpty() && !clusters.get(j).isEmpty();
        if (both && (first < 0 || apart[i][j] < apart[first][second])) {
          first = i;
          second = j;
        }
      }
    }
    int a = clusters.get(first).size();
    int b = clusters.get(second).size();
    for (int other = 0; other < n; other++) {
      double joined = linkage.joined(apart[first][other], apart[second][other], a, b);
      apart[first][other] = joined;
      apart[other][first] = joined;
    }
    clusters.get(first).addAll(clusters.get(second));
    clusters.get(second).clear();
  }
}
