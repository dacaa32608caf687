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

  @Option(
      names = "--sample",
      order = 105,
      paramLabel = "S",
      defaultValue = "1024",
      converter = PositiveInteger.OrZero.class,
      description =
          "Tokens whose router inputs are stored, for methods that compare what experts compute."
              + " Default: ${DEFAULT-VALUE}.")
  private int sample;

  /** Whether a text is given. */
  boolean isGiven() {
    return !text.isEmpty();
  }

  /** What to calibrate on. */
  Calibration calibration() {
    return new Calibration(text, sequences, length, pack, sample);
  }
}
