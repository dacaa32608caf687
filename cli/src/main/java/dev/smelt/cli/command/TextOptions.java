package dev.smelt.cli.command;

import dev.smelt.cli.pipeline.Calibration;
import dev.smelt.cli.pipeline.SelfGeneratedText;
import dev.smelt.cli.pipeline.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
      names = "--self-generated",
      order = 103,
      paramLabel = "N",
      converter = PositiveInteger.OrZero.class,
      description =
          "Further sequences, which the original model writes itself. Default: three times"
              + " --sequences for a repair where the weights take at most 4 GiB, else 0.")
  private Optional<Integer> selfGenerated = Optional.empty();

  @Option(
      names = "--length",
      order = 104,
      paramLabel = "L",
      defaultValue = "512",
      converter = PositiveInteger.class,
      description = "Tokens per sequence. Default: ${DEFAULT-VALUE}.")
  private int length;

  @Option(
      names = "--pack",
      order = 105,
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
    return calibration(sample, selfGenerated.orElse(0));
  }

  /**
   * What to calibrate on, and to repair with.
   *
   * @param sample tokens whose router inputs are stored with the statistics
   * @param session of the model that is reduced
   * @param repairs whether layers are repaired, with a text that is given
   */
  Calibration calibration(int sample, Session session, boolean repairs) {
    return repairs
        ? calibration(
            sample, selfGenerated.orElseGet(() -> SelfGeneratedText.usual(session, sequences)))
        : calibration(sample);
  }

  private Calibration calibration(int sample, int generated) {
    return new Calibration(text, sequences, generated, length, pack, sample);
  }
}
