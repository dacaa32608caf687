package dev.smelt.cli.comparison;

import dev.smelt.cli.pipeline.ReducerChoice;
import dev.smelt.cli.pipeline.ReducerChoice.Knowledge;
import dev.smelt.cli.pipeline.Repair;
import dev.smelt.io.SmeltException;
import dev.smelt.merge.DropCriterion;
import dev.smelt.merge.Dropping;
import dev.smelt.merge.MergeMethod;
import dev.smelt.merge.MergeMethods;
import dev.smelt.merge.MergeOptions;
import dev.smelt.merge.Merging;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A way to fewer experts.
 *
 * @param name a criterion for dropping or a method of merging, with {@code +refit} or {@code +fit}
 *     for a repair
 * @param base the name without the repair
 * @param repair what is done to each reduced layer
 */
public record Contender(String name, String base, Repair repair) {
  /** What is compared unless the user says otherwise. */
  public static final String DEFAULTS =
      "frequency,reap,contribution,m-smoe,ream,hc-smoe,merge-moe,contribution+refit,contribution+fit";

  /**
   * Reads names, separated by commas.
   *
   * @throws SmeltException (usage) that names all that are unknown
   */
  public static List<Contender> parse(String names) {
    List<Contender> all = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    for (String name : names.split(",", -1)) {
      parseOne(name.strip()).ifPresentOrElse(all::add, () -> unknown.add("'" + name + "'"));
    }
    if (!unknown.isEmpty()) {
      throw SmeltException.usage(
          "--methods: unknown: " + String.join(", ", unknown),
          "choose among "
              + String.join(", ", bases())
              + "; each may be followed by +refit or +fit");
    }
    return all.stream().distinct().toList();
  }

  private static Optional<Contender> parseOne(String name) {
    int plus = name.indexOf('+');
    String base = plus < 0 ? name : name.substring(0, plus);
    String suffix = plus < 0 ? "none" : name.substring(plus + 1);
    return Arrays.stream(Repair.values())
        .filter(repair -> repair.option().equals(suffix) && bases().contains(base))
        .filter(repair -> plus < 0 || repair != Repair.NONE)
        .map(repair -> new Contender(name, base, repair))
        .findFirst();
  }

  private static List<String> bases() {
    List<String> names = new ArrayList<>();
    Arrays.stream(DropCriterion.values()).map(DropCriterion::option).forEach(names::add);
    MergeMethods.all().stream().map(MergeMethod::name).forEach(names::add);
    return names;
  }

  /** The reduction to a number of experts. */
  ReducerChoice choice(int experts) {
    return Arrays.stream(DropCriterion.values())
        .filter(criterion -> criterion.option().equals(base))
        .findFirst()
        .map(criterion -> dropping(criterion, experts))
        .orElseGet(() -> merging(MergeMethods.named(base), experts));
  }

  private static ReducerChoice dropping(DropCriterion criterion, int experts) {
    return new ReducerChoice(
        criterion.needsStatistics() ? Knowledge.LAYER : Knowledge.NOTHING,
        false,
        (session, statistics) ->
            new Dropping(session.model(), statistics, criterion, experts, false, session.seed()));
  }

  private static ReducerChoice merging(MergeMethod method, int experts) {
    return new ReducerChoice(
        Knowledge.LAYER,
        method.sequential(),
        (session, statistics) ->
            new Merging(session.model(), statistics, method, MergeOptions.defaults(experts)));
  }
}
