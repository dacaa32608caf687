package dev.smelt.merge;

import dev.smelt.merge.alignment.AlignmentMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Plain averaging, the baseline that knows nothing: neighbours by index become one, without
 * alignment, all with the same weight; router rows are averaged too.
 */
final class Average implements MergeMethod {
  @Override
  public String name() {
    return "average";
  }

  @Override
  public String summary() {
    return "plain mean of neighbouring experts, no alignment: the baseline to beat";
  }

  @Override
  public boolean usesSimilarity() {
    return false;
  }

  @Override
  public MergeOptions adjusted(MergeOptions options) {
    boolean redirected = options.router() == RouterRule.REDIRECT;
    return options
        .with(AlignmentMode.NONE)
        .with(MergeWeights.UNIFORM)
        .with(redirected ? RouterRule.REDIRECT : RouterRule.WEIGHTED);
  }

  @Override
  public LayerPlan plan(LayerContext context, MergeOptions options) {
    int n = context.experts();
    int k = options.experts();
    double[] ones = new double[n];
    Arrays.fill(ones, 1);
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < k; i++) {
      int from = (int) ((long) i * n / k);
      int to = (int) ((long) (i + 1) * n / k);
      groups.add(Group.weighted(from, IntStream.range(from, to).boxed().toList(), ones));
    }
    return new LayerPlan(context.layer(), groups);
  }

  @Override
  public MergedExpert merge(LayerContext context, Group group, MergeOptions options) {
    return AlignedAverage.of(context, group, options.align());
  }
}
