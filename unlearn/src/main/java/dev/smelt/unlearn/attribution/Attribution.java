package dev.smelt.unlearn.attribution;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Which experts a forget set engages, and which of them a retain set does not.
 *
 * @param forget affinity on the forget set
 * @param retain affinity on the retain set, if there is one
 */
public record Attribution(Affinity forget, Optional<Affinity> retain) {
  /**
   * An expert in the ranking.
   *
   * @param rank from 1 on
   * @param id the expert
   * @param forget affinity on the forget set
   * @param retain affinity on the retain set, if there is one
   * @param share share of the forget tokens that are routed to it
   */
  public record Ranked(
      int rank, ExpertId id, double forget, Optional<Double> retain, double share) {
    /** How much more the forget set engages it. */
    public Optional<Double> difference() {
      return retain.map(r -> forget - r);
    }
  }

  /**
   * All experts of all layers, best first; equal ones by layer and number.
   *
   * @param selection affinity or difference
   */
  public List<Ranked> ranking(Selection selection) {
    List<ExpertId> ids = new ArrayList<>(forget.experts());
    ids.sort(Comparator.comparingDouble((ExpertId id) -> -score(selection, id)));
    List<Ranked> ranking = new ArrayList<>();
    for (ExpertId id : ids) {
      ranking.add(
          new Ranked(
              ranking.size() + 1, id, forget.of(id), retain.map(r -> r.of(id)), forget.share(id)));
    }
    return List.copyOf(ranking);
  }

  private double score(Selection selection, ExpertId id) {
    return switch (selection) {
      case AFFINITY -> forget.of(id);
      case DIFFERENCE -> forget.of(id) - requireRetain().of(id);
      case RANDOM -> throw new IllegalArgumentException("a random choice has no ranking");
    };
  }

  private Affinity requireRetain() {
    return retain.orElseThrow(
        () ->
            SmeltException.usage(
                "--select difference needs the affinity on a retain set", "add --retain FILE"));
  }

  /**
   * The experts to train, by layer and number.
   *
   * @param count how many, over all layers
   * @param seed of a random choice
   */
  public List<ExpertId> choose(Selection selection, int count, long seed) {
    List<ExpertId> candidates =
        selection == Selection.RANDOM
            ? shuffled(seed)
            : ranking(selection).stream().map(Ranked::id).toList();
    List<ExpertId> routed = candidates.stream().filter(id -> forget.share(id) > 0).toList();
    if (routed.size() < count) {
      throw SmeltException.usage(
          "--experts " + count + ": the forget set is routed to " + routed.size() + " experts",
          "choose fewer");
    }
    return routed.stream().limit(count).sorted().toList();
  }

  private List<ExpertId> shuffled(long seed) {
    List<ExpertId> ids = new ArrayList<>(forget.experts());
    Collections.shuffle(ids, new Random(seed));
    return ids;
  }

  /**
   * Checks targets that the user names.
   *
   * @throws SmeltException naming each that does not exist or that no forget token is routed to
   */
  public void require(List<ExpertId> targets) {
    List<String> problems = new ArrayList<>();
    for (ExpertId target : targets) {
      int experts = forget.layer(target.layer()).experts();
      if (target.expert() >= experts) {
        problems.add(
            "target %s: layer %d has the experts 0 to %d"
                .formatted(target, target.layer(), experts - 1));
      } else if (forget.share(target) == 0) {
        problems.add("target " + target + ": no token of the forget set is routed to it");
      }
    }
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.USAGE, problems, "smelt attribute shows which experts the set engages");
    }
  }
}
