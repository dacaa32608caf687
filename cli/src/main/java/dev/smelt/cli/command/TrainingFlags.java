package dev.smelt.cli.command;

import dev.smelt.cli.recovery.RecoveryMode;
import dev.smelt.io.SmeltException;
import dev.smelt.routing.train.AdamW;
import dev.smelt.routing.train.Schedule;
import dev.smelt.routing.train.TrainingOptions;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say how weights are trained. */
public final class TrainingFlags {
  private static final double LAYERWISE_RATE = 0.06;
  private static final double END_TO_END_RATE = 0.0005;

  @Option(
      names = "--steps",
      order = 31,
      paramLabel = "N",
      defaultValue = "300",
      converter = PositiveInteger.class,
      description = "Steps, of each layer in layerwise mode. Default: ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--batch",
      order = 32,
      paramLabel = "N",
      defaultValue = "4096",
      converter = PositiveInteger.class,
      description = "Tokens of a step. Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--rate",
      order = 33,
      paramLabel = "R",
      description =
          "Largest step of AdamW; layerwise relative to the root mean square of each matrix."
              + " Default: 0.06 layerwise, 0.0005 end-to-end.")
  private Optional<Double> rate = Optional.empty();

  @Option(
      names = "--warm-up",
      order = 34,
      paramLabel = "SHARE",
      defaultValue = "0.1",
      description = "Part of the steps over which the rate rises. Default: ${DEFAULT-VALUE}.")
  private double warmUp;

  @Option(
      names = "--decay",
      order = 35,
      paramLabel = "HOW",
      defaultValue = "cosine",
      converter = KebabCase.ToDecay.class,
      description = "How the rate falls after that: cosine, linear or none. Default: cosine.")
  private Schedule.Decay decay = Schedule.Decay.COSINE;

  @Option(
      names = "--weight-decay",
      order = 36,
      paramLabel = "W",
      description =
          "Part of each matrix that a step takes away, times the rate. Default: 0 layerwise, 0.01"
              + " end-to-end.")
  private Optional<Double> weightDecay = Optional.empty();

  @Option(
      names = "--clip",
      order = 37,
      paramLabel = "NORM",
      description =
          "Largest norm of all gradients together. Default: none layerwise, 1 end-to-end.")
  private Optional<Double> clip = Optional.empty();

  @Option(
      names = "--check-every",
      order = 38,
      paramLabel = "N",
      defaultValue = "50",
      converter = PositiveInteger.class,
      description = "Steps between two looks at the held-out loss. Default: ${DEFAULT-VALUE}.")
  private int checkEvery;

  @Option(
      names = "--patience",
      order = 39,
      paramLabel = "N",
      defaultValue = "0",
      converter = PositiveInteger.OrZero.class,
      description =
          "Stop after so many looks in a row that show no new best; 0 never stops. Default:"
              + " ${DEFAULT-VALUE}.")
  private int patience;

  @Option(
      names = "--checkpoint-every",
      order = 40,
      paramLabel = "N",
      defaultValue = "100",
      converter = PositiveInteger.class,
      description = "Steps between two stored states of --resume. Default: ${DEFAULT-VALUE}.")
  private int checkpointEvery;

  /** Tokens of a step. */
  int batch() {
    return batch;
  }

  /** The options for a mode. */
  TrainingOptions options(RecoveryMode mode) {
    boolean layerwise = mode == RecoveryMode.LAYERWISE;
    double chosen = rate.orElse(layerwise ? LAYERWISE_RATE : END_TO_END_RATE);
    double limit = clip.orElse(layerwise ? Double.POSITIVE_INFINITY : 1.0);
    double taken = weightDecay.orElse(layerwise ? 0 : AdamW.Options.DISTILLATION.weightDecay());
    require("--rate", chosen, chosen > 0 && Double.isFinite(chosen), "above 0");
    require("--warm-up", warmUp, warmUp >= 0 && warmUp <= 1, "from 0 to 1");
    require("--weight-decay", taken, taken >= 0 && taken < 1, "from 0 to below 1");
    require("--clip", limit, limit > 0, "above 0");
    AdamW.Options constants = layerwise ? AdamW.Options.RELATIVE : AdamW.Options.DISTILLATION;
    return new TrainingOptions(
        new Schedule(chosen, steps, warmUp, decay),
        constants.withDecay(taken),
        limit,
        checkEvery,
        patience,
        checkpointEvery);
  }

  /** Insists on the range of an option. */
  static void require(String option, double value, boolean holds, String range) {
    if (!holds) {
      throw SmeltException.usage(
          option + " " + value + ": expected a number " + range, "see smelt recover --help");
    }
  }
}
