package dev.smelt.cli.pipeline;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.unlearn.measure.Tofu;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Questions in TOFU's format.
 *
 * @param forget about what was forgotten
 * @param retain about what was kept
 * @param authors about real authors
 * @param facts about the world
 * @param reference a model trained without the forget set
 */
public record TofuFiles(
    Optional<Path> forget,
    Optional<Path> retain,
    Optional<Path> authors,
    Optional<Path> facts,
    Optional<String> reference) {
  /**
   * Refuses what cannot be measured.
   *
   * @throws SmeltException with all problems
   */
  public void check() {
    List<String> problems = new ArrayList<>();
    if (reference.isPresent() && forget.isEmpty()) {
      problems.add("--reference is for forget quality, which needs --tofu-forget FILE");
    }
    long utility = List.of(retain, authors, facts).stream().filter(Optional::isPresent).count();
    if (utility != 0 && utility != 3) {
      problems.add("model utility needs all of --tofu-retain, --tofu-authors and --tofu-facts");
    }
    if (!problems.isEmpty()) {
      throw SmeltException.all(Fault.USAGE, problems, "smelt forget-report --help explains them");
    }
    forget.ifPresent(TofuFiles::requireWrongAnswers);
    retain.ifPresent(TofuFiles::requireWrongAnswers);
    authors.ifPresent(TofuFiles::requireWrongAnswers);
    facts.ifPresent(TofuFiles::requireWrongAnswers);
  }

  private static void requireWrongAnswers(Path file) {
    if (!Tofu.read(file).hasWrongAnswers()) {
      throw SmeltException.checkpoint(
          file + ": a question has no field 'perturbed_answer'",
          "use TOFU's files named *_perturbed.json");
    }
  }

  /** Whether there is anything to ask. */
  boolean isGiven() {
    return forget.isPresent() || retain.isPresent();
  }
}
