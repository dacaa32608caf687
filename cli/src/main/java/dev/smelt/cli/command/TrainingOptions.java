package dev.smelt.cli.command;

import dev.smelt.unlearn.attribution.Selection;
import dev.smelt.unlearn.training.Scale;
import dev.smelt.unlearn.training.StopRule;
import picocli.CommandLine.Option;

/** The options that say what is trained, and for how long. */
public final class TrainingOptions {
  @Option(
      names = "--target",
      order = 10,
      paramLabel = "L:E[,L:E]",
      defaultValue = "auto",
      description =
          "Experts to train, as LAYER:EXPERT, or auto: chosen by --select. Default:"
              + " ${DEFAULT-VALUE}.")
  String target = "";

  @Option(
      names = "--select",
      order = 11,
      paramLabel = "HOW",
      defaultValue = "affinity",
      converter = KebabCase.ToSelection.class,
      description =
          "How auto chooses: affinity (engaged most by the forget set), difference (beyond what"
              + " the retain set does) or random (a control). Default: ${DEFAULT-VALUE}.")
  Selection select = Selection.AFFINITY;

  @Option(
      names = "--experts",
      order = 12,
      paramLabel = "M",
      defaultValue = "1",
      converter = PositiveInteger.class,
      description = "How many experts auto chooses, over all layers. Default: ${DEFAULT-VALUE}.")
  int experts = 1;

  @Option(
      names = "--train",
      order = 13,
      paramLabel = "WHAT",
      defaultValue = "expert",
      converter = KebabCase.ToScale.class,
      description =
          "What is trained: expert (the targets and their routers), layer (all of the target's"
              + " layer) or all (the whole model; a baseline for small ones). Default:"
              + " ${DEFAULT-VALUE}.")
  Scale train = Scale.EXPERT;

  @Option(
      names = "--lr",
      order = 30,
      paramLabel = "RATE",
      defaultValue = "1e-4",
      description = "Learning rate of Adam. Default: ${DEFAULT-VALUE}.")
  double rate;

  @Option(
      names = "--steps",
      order = 31,
      paramLabel = "N",
      defaultValue = "500",
      converter = PositiveInteger.class,
      description = "Steps at most. Default: ${DEFAULT-VALUE}.")
  int steps;

  @Option(
      names = "--batch",
      order = 32,
      paramLabel = "B",
      defaultValue = "8",
      converter = PositiveInteger.class,
      description = "Sequences of each set in a step. Default: ${DEFAULT-VALUE}.")
  int batch;

  @Option(
      names = "--clip",
      order = 33,
      paramLabel = "NORM",
      defaultValue = "1",
      description = "Bound on the norm of the gradients; 0 for none. Default: ${DEFAULT-VALUE}.")
  double clip;

  @Option(
      names = "--stop",
      order = 34,
      paramLabel = "RULE",
      defaultValue = StopRule.DEFAULT,
      description =
          "When it is enough, on held-out sequences: forget=RISE,retain=RISE, where RISE is a"
              + " factor on the perplexity (3x), nats (+1.1) or percent of the loss (+2%%). Exit"
              + " code 5 if it is not reached. Default: ${DEFAULT-VALUE}.")
  String stop = "";

  @Option(
      names = "--check-every",
      order = 35,
      paramLabel = "N",
      defaultValue = "10",
      converter = PositiveInteger.class,
      description = "Steps between two looks at held-out sequences. Default: ${DEFAULT-VALUE}.")
  int checkEvery;

  @Option(
      names = "--cache-limit",
      order = 36,
      paramLabel = "SIZE",
      defaultValue = "2GiB",
      description =
          "Hidden states above this size are kept in a temporary file. Default: ${DEFAULT-VALUE}.")
  String cacheLimit = "";
}
