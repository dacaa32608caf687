package dev.smelt.cli.pipeline;

import dev.smelt.cli.command.ComputeOptions;
import dev.smelt.cli.console.Console;
import dev.smelt.cli.console.Progress;
import dev.smelt.io.Dtype;
import dev.smelt.io.ModelLocator;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Architecture;
import dev.smelt.model.Compute;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Torch;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.model.text.ModelText;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/** An opened model with the way to run it. */
public final class Session implements AutoCloseable {
  /** Bound on the bytes of a batch's expert inputs in F32. */
  private static final long BATCH_BYTES = 128L << 20;

  private static final int MAX_BATCH_TOKENS = 8192;

  private final Console console;
  private final MoeModel model;
  private final ModelText text;
  private final Dtype compute;
  private final long seed;
  private final Map<Calibration, CalibrationSet> drawn = new HashMap<>();

  private Session(Console console, MoeModel model, Dtype compute, long seed) {
    this.console = console;
    this.model = model;
    this.compute = compute;
    this.seed = seed;
    text = ModelText.open(model.checkpoint().directory(), model.architecture().vocabulary());
  }

  /** Opens a model argument and applies the options for threads and element type. */
  public static Session open(Console console, String argument, ComputeOptions options) {
    return open(console, argument, options, false);
  }

  /**
   * Opens a model argument.
   *
   * @param ungroup whether the router is to choose among all experts, whatever config.json says of
   *     groups
   */
  public static Session open(
      Console console, String argument, ComputeOptions options, boolean ungroup) {
    Path directory = ModelLocator.locate(argument);
    MoeModel model = ungroup ? MoeModel.openUngrouped(directory) : MoeModel.open(directory);
    if (ungroup) {
      console.warn(
          "the router is not limited to groups of experts: the model computes other"
              + " values than the source; compare both with smelt evaluate");
    }
    if (options.threads() > 0) {
      Torch.useThreads(options.threads());
    }
    Dtype compute = Compute.named(options.precision().toString()).dtype();
    Session session = new Session(console, model, compute, options.seed());
    console.detail(
        "model %s, compute %s, %d threads, batches of %d tokens"
            .formatted(
                model.checkpoint().directory(), compute, Torch.threads(), session.batchTokens()));
    return session;
  }

  /** The model. */
  public MoeModel model() {
    return model;
  }

  /**
   * Refuses encoder-decoders, whose layers see different parts of a sequence.
   *
   * @param what cannot be done to one, such as "recovered"
   */
  public void requireDecoder(String what) {
    if (model.architecture().isEncoderDecoder()) {
      throw SmeltException.unsupported(
          "%s: an encoder-decoder cannot be %s".formatted(model.checkpoint().directory(), what),
          "calibrate, merge, drop and evaluate run on it");
    }
  }

  /** How the model reads text. */
  public ModelText text() {
    return text;
  }

  /** The element type of the forward pass. */
  public Dtype compute() {
    return compute;
  }

  /** The seed of everything that is drawn at random. */
  public long seed() {
    return seed;
  }

  /** The tokens of a calibration, drawn once. */
  CalibrationSet drawn(Calibration calibration, Supplier<CalibrationSet> draw) {
    return drawn.computeIfAbsent(calibration, _ -> draw.get());
  }

  /** Where to print. */
  public Console console() {
    return console;
  }

  /** How many tokens go through a layer together. */
  public int batchTokens() {
    Architecture shape = model.architecture();
    long perToken = 4L * shape.hidden() * shape.topK();
    return Math.clamp(BATCH_BYTES / perToken, 256, MAX_BATCH_TOKENS);
  }

  /** Runs work that reports each finished layer, and shows its progress. */
  public <T> T showing(String task, int layers, LayerWork<T> work) {
    try (Progress progress = Progress.start(console, task, layers, "layers")) {
      return work.run(layer -> progress.advance(1));
    }
  }

  /** Work that reports each finished layer. */
  @FunctionalInterface
  public interface LayerWork<T> {
    /** Does the work. */
    T run(IntConsumer progress);
  }

  @Override
  public void close() {
    text.close();
    model.close();
  }
}
