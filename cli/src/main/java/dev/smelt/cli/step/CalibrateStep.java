package dev.smelt.cli.step;

import dev.smelt.cli.command.CalibrateCommand;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.recipe.RecipeRun;
import dev.smelt.cli.recipe.StepSpec;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Gathers routing statistics of the present model for the steps that follow. */
public final class CalibrateStep extends CommandStep {
  @Override
  public String name() {
    return "calibrate";
  }

  @Override
  Object newCommand(RecipeRun run) {
    return new CalibrateCommand(run.console());
  }

  @Override
  Object prototype() {
    return new CalibrateCommand(Console.system());
  }

  @Override
  public Set<String> pathOptions() {
    return Set.of("text");
  }

  @Override
  public Set<String> measures() {
    return Set.of();
  }

  @Override
  public void run(StepSpec spec, RecipeRun run) {
    Path file = temporaryFile();
    List<String> words = new ArrayList<>(List.of(run.model(), "-o", file.toString()));
    words.addAll(texts(spec, run.recipe().text()));
    parsed(CalibrateCommand.class, spec, run, words).calibrate();
    run.setStatistics(file);
  }

  /** Statistics of a recipe are needed only while it runs. */
  private static Path temporaryFile() {
    try {
      Path file = Files.createTempFile("smelt-statistics", ".safetensors");
      file.toFile().deleteOnExit();
      return file;
    } catch (IOException e) {
      throw new SmeltException(
          Fault.FAILED,
          "cannot create a temporary file for the statistics: " + e.getMessage(),
          "set java.io.tmpdir in SMELT_JAVA_OPTS to a writable directory",
          e);
    }
  }
}
