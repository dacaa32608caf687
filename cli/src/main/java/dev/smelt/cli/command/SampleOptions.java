package dev.smelt.cli.command;

import picocli.CommandLine.Option;

/** The option that says how many tokens routing statistics keep as they are. */
public final class SampleOptions {
  @Option(
      names = "--sample",
      order = 106,
      paramLabel = "S",
      defaultValue = "1024",
      converter = PositiveInteger.OrZero.class,
      description =
          "Tokens whose router inputs are stored, for methods that compare what experts compute."
              + " Default: ${DEFAULT-VALUE}.")
  private int sample;

  /** Tokens whose router inputs are stored. */
  int sample() {
    return sample;
  }
}
