package dev.smelt.merge;

import java.util.Set;

/**
 * A way to merge experts: first a plan from statistics, then the merge of one group at a time.
 *
 * <p>Methods are listed in {@link MergeMethods}.
 */
public interface MergeMethod {
  /** The name on the command line, in kebab case. */
  String name();

  /** One sentence for the help and the documentation. */
  String summary();

  /** Whether groups follow from {@link MergeOptions#similarity}. */
  default boolean usesSimilarity() {
    return true;
  }

  /** The options that the method uses whatever the user says; others stay as they are. */
  default MergeOptions adjusted(MergeOptions options) {
    return options;
  }

  /** The options of single methods that the user may choose here. */
  default Set<MergeOption> offered() {
    return Set.of();
  }

  /**
   * Whether the method, as it is published, plans and merges each layer on what the layers before
   * it, already reduced, produce.
   */
  default boolean sequential() {
    return false;
  }

  /**
   * Refuses options with which no layer can be grouped, before any work.
   *
   * @param experts experts of a layer, or of each group of its router
   * @param keep how many of them are left
   */
  default void check(int experts, int keep, MergeOptions options) {}

  /** Decides which experts of a layer become one: exactly {@code options.experts()} groups. */
  LayerPlan plan(LayerContext context, MergeOptions options);

  /** Merges a group of two or more. */
  MergedExpert merge(LayerContext context, Group group, MergeOptions options);
}
