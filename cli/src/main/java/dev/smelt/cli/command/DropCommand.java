package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.ReducerChoice;
import dev.smelt.cli.pipeline.ReducerChoice.Knowledge;
import dev.smelt.io.SmeltException;
import dev.smelt.merge.DropCriterion;
import dev.smelt.merge.Dropping;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Drops experts. */
@Command(
    name = "drop",
    description = {
      "Drop the least valuable experts of every layer, repair what is left, and write the smaller"
          + " checkpoint.",
      "Example: smelt drop MODEL -o SMALLER --ratio 0.5 --text calibration.txt"
    })
public final class DropCommand extends ReducingCommand {
  @Option(
      names = "--criterion",
      order = 4,
      paramLabel = "NAME",
      defaultValue = "contribution",
      converter = KebabCase.ToDropCriterion.class,
      description =
          "What an expert is worth: contribution, reap, frequency, gate-sum, ean, aimer (from"
              + " weights alone) or random. Default: ${DEFAULT-VALUE}.")
  private DropCriterion criterion = DropCriterion.CONTRIBUTION;

  @Option(
      names = "--protect-super",
      order = 5,
      description = "Keep experts with extreme outputs whatever their score.")
  private boolean protectSuper;

  /** A command that prints to this console. */
  public DropCommand(Console console) {
    super(console);
  }

  @Override
  ReducerChoice choice() {
    if (protectSuper && !criterion.needsStatistics()) {
      throw SmeltException.usage(
          "--protect-super needs statistics, which --criterion "
              + criterion.option()
              + " does not gather",
          "choose another criterion");
    }
    return new ReducerChoice(
        knowledge(),
        false,
        (session, statistics) ->
            new Dropping(
                session.model(),
                statistics,
                criterion,
                count(session.model()),
                protectSuper,
                session.seed()));
  }

  private Knowledge knowledge() {
    if (protectSuper) {
      return Knowledge.ALL;
    }
    return criterion.needsStatistics() ? Knowledge.LAYER : Knowledge.NOTHING;
  }
}
