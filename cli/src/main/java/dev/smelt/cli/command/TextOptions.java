package dev.smelt.cli.command;

import dev.smelt.cli.pipeline.Calibration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that say what a model is calibrated on. */
public final class TextOptions {
  @Option(
      names = "--text",
      arity = "1..*",
      order = 101,
      paramLabel = "FILE[:W]",
      description =
          "Calibration text with an optional weight: .txt, .jsonl, .npy or .safetensors files,"
              + " directories or globs.")
  private List<String> text = new ArrayList<>();

  @Option(
      names = "--sequences",
      order = 102,
      paramLabel = "N",
      defaultValue = "256",
      converter = PositiveInteger.class,
      description = "Sequences to draw. Default: ${DEFAULT-VALUE}.")
  private int sequences;

  @Option(
      names = "--length",
      order = 103,
      paramLabel = "L",
      defaultValue = "512",
      converter = PositiveInteger.class,
      description = "Tokens per sequence. Default: ${DEFAULT-VALUE}.")
  private int length;

  @Option(
      names = "--pack",
      order = 104,
      description = "Let sequences run from one document into the next.")
  private boolean pack;

  /** Whether a text is given. */
  boolean isGiven() {
    return !text.isEmpty();
  }

  /**
   * What to calibrate on.
   *
   * @param sample tokens whose router inputs are stored with the statistics
   */
  Calibration calibration(int sample) {
    return new Calibration(text, sequences, length, pack, sample);
  }
}
