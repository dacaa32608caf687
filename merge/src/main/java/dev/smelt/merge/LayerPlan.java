package dev.smelt.merge;

import dev.smelt.model.export.LayerReduction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The groups of one layer, in the order of their dominant experts.
 *
 * @param layer index of the decoder layer
 * @param groups what becomes of the experts; every expert is in at most one group
 */
public record LayerPlan(int layer, List<Group> groups) {
  /** Copies the list and checks that groups are disjoint and in order. */
  public LayerPlan {
    groups = List.copyOf(groups);
    Set<Integer> seen = new HashSet<>();
    int last = -1;
    for (Group group : groups) {
      if (group.dominant() <= last || !seen.addAll(group.members())) {
        throw new IllegalArgumentException("layer " + layer + ": groups overlap or lack order");
      }
      last = group.dominant();
    }
    if (seen.size() != groups.stream().mapToInt(g -> g.members().size()).sum()) {
      throw new IllegalArgumentException("layer " + layer + ": an expert is in two groups");
    }
  }

  /** What the exporter must know: groups of one are copied, all others are computed. */
  public LayerReduction reduction(boolean routerComputed) {
    Set<Integer> computed =
        Set.copyOf(
            IntStream.range(0, groups.size())
                .filter(i -> !groups.get(i).isSingle())
                .boxed()
                .toList());
    List<Integer> survivors = groups.stream().map(Group::dominant).toList();
    return new LayerReduction(layer, survivors, computed, routerComputed);
  }

  /** For each expert of the source, all of which are in groups, the position of its group. */
  public List<Integer> map() {
    int experts = groups.stream().mapToInt(group -> group.members().size()).sum();
    List<Integer> map = new ArrayList<>(Collections.nCopies(experts, 0));
    for (int position = 0; position < groups.size(); position++) {
      for (int member : groups.get(position).members()) {
        map.set(member, position);
      }
    }
    return List.copyOf(map);
  }

  /** What the exporter must know when everything is computed. */
  public LayerReduction repaired() {
    Set<Integer> all = Set.copyOf(IntStream.range(0, groups.size()).boxed().toList());
    List<Integer> survivors = groups.stream().map(Group::dominant).toList();
    return new LayerReduction(layer, survivors, all, true);
  }
}
