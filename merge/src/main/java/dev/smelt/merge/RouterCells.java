package dev.smelt.merge;

import dev.smelt.model.MoeLayer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The experts of a layer as its router groups them: where it chooses groups first (DeepSeek-V3 and
 * its kin), the same number must stay in each, or the rows of the groups no longer are where the
 * router looks for them.
 */
final class RouterCells {
  private RouterCells() {}

  /** Experts of each group of the router, ascending; one list of all experts without groups. */
  static List<List<Integer>> of(MoeLayer moe) {
    int size = moe.experts().count() / moe.groups();
    List<List<Integer>> cells = new ArrayList<>();
    for (int g = 0; g < moe.groups(); g++) {
      cells.add(IntStream.range(g * size, (g + 1) * size).boxed().toList());
    }
    return cells;
  }

  /** Decides which experts become one. */
  @FunctionalInterface
  interface Grouping {
    /**
     * Groups some experts.
     *
     * @param experts all of a layer, or those of one group of its router, ascending
     * @param keep number of groups
     */
    List<Group> of(List<Integer> experts, int keep);
  }

  /** Groups the experts of a layer within the groups of its router. */
  static LayerPlan plan(LayerContext context, int keep, Grouping grouping) {
    List<Group> groups = new ArrayList<>();
    for (List<Integer> cell : of(context.moe())) {
      groups.addAll(grouping.of(cell, keep / context.moe().groups()));
    }
    groups.sort(Comparator.comparingInt(Group::dominant));
    return new LayerPlan(context.layer(), groups);
  }
}
