package dev.smelt.merge;

import java.util.List;

/**
 * Experts that become one.
 *
 * @param dominant the expert whose place, router row and neuron order the result takes
 * @param members all experts of the group, the dominant one included, ascending
 * @param weights share of each member in the average; they sum to one
 */
public record Group(int dominant, List<Integer> members, List<Double> weights) {
  /** Copies the lists and checks them. */
  public Group {
    members = List.copyOf(members);
    weights = List.copyOf(weights);
    if (!members.contains(dominant) || members.size() != weights.size()) {
      throw new IllegalArgumentException("group of " + dominant + ": " + members + ", " + weights);
    }
    double sum = weights.stream().mapToDouble(Double::doubleValue).sum();
    if (!(Math.abs(sum - 1) < 1e-9)) {
      throw new IllegalArgumentException("weights of the group of " + dominant + " sum to " + sum);
    }
  }

  /** A group of one expert, which stays as it is. */
  public static Group single(int expert) {
    return new Group(expert, List.of(expert), List.of(1.0));
  }

  /** Whether the expert stays as it is. */
  public boolean isSingle() {
    return members.size() == 1;
  }

  /**
   * A group with weights in proportion to scores; equal ones where all scores are zero, so that no
   * group can become the zero expert.
   */
  public static Group weighted(int dominant, List<Integer> members, double[] scores) {
    double sum = members.stream().mapToDouble(e -> scores[e]).sum();
    List<Double> weights =
        members.stream().map(e -> sum > 0 ? scores[e] / sum : 1.0 / members.size()).toList();
    return new Group(dominant, members, weights);
  }
}
