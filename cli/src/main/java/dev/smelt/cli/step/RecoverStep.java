package dev.smelt.cli.step;

import dev.smelt.cli.command.RecoverCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.StepSpec;
import dev.smelt.cli.recovery.RecoveryOutcome;
import dev.smelt.io.Fault;
import dev.smelt.io.FileTrees;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Trains the present model towards the recipe's own, and writes the recipe's output. What an
 * earlier step wrote there is the student; it is moved aside and removed when the output is
 * complete.
 */
public final class RecoverStep extends CommandStep {
  @Override
  public String name() {
    return "recover";
  }

  @Override
  Object newCommand(RecipeRun run) {
    return new RecoverCommand(run.console());
  }

  @Override
  Object prototype() {
    return new RecoverCommand(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of("text", "held-out", "resume", "teacher");
  }

  @Override
  public Set<String> measures() {
    return Set.of("recovery");
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    Path output = Path.of(output(run)).toAbsolutePath().normalize();
    Path student = Path.of(run.model()).toAbsolutePath().normalize();
    if (!student.equals(output)) {
      recover(spec, run, run.model(), output);
      return;
    }
    Path aside = output.resolveSibling(output.getFileName() + ".student");
    move(output, aside);
    try {
      recover(spec, run, aside.toString(), output);
    } catch (RuntimeException e) {
      if (!Files.exists(output)) {
        move(aside, output);
      }
      throw e;
    }
    FileTrees.delete(aside);
  }

  private void recover(StepSpec spec, RecipeRun run, String student, Path output) {
    List<String> words = new ArrayList<>(List.of(student, "-o", output.toString()));
    if (run.force()) {
      words.add("--force");
    }
    if (!spec.options().containsKey("teacher")) {
      words.add("--teacher=" + run.recipe().model());
    }
    words.addAll(texts(spec, run.recipe().text()));
    RecoveryOutcome outcome =
        parsed(RecoverCommand.class, spec, run, words).recover(Optional.of(run.recipe().yaml()));
    run.measure("recovery", outcome.improvement());
    run.setModel(outcome.written().directory());
  }

  private static void move(Path from, Path to) {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new SmeltException(
          Fault.FAILED, from + ": cannot be moved to " + to + ": " + e.getMessage(), "", e);
    }
  }
}
