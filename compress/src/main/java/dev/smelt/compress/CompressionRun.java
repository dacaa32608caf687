package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.Expert;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.export.CompactOutput;
import dev.smelt.model.tensor.Scope;
import dev.smelt.routing.repair.CapturedInputs;
import dev.smelt.routing.repair.LayerTokens;
import dev.smelt.routing.repair.TokenSplit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Takes a method through the layers of a model, one layer in memory at a time.
 *
 * <p>Memory: one layer, the hidden states of all calibration tokens and what the experts of one
 * layer see of them, and what the method needs for one expert. For a method that {@linkplain
 * Compressor#needsFisherBases needs gradients} those of one layer's experts are in memory as well,
 * and what enters all layers is in a temporary file; closing the run frees what came of them.
 */
public final class CompressionRun implements AutoCloseable {
  /** Forward, forward again and backward, in forward passes. */
  private static final int BACKWARD_COST = 4;

  private final MoeModel model;
  private final Compressor compressor;
  private final boolean sequential;
  private final Dtype compute;
  private final long seed;
  private Optional<FisherBases> fisher = Optional.empty();

  /**
   * Prepares a run.
   *
   * @param model the source
   * @param compressor the method with its options
   * @param sequential whether a layer is calibrated on what the changed layers before it produce;
   *     else on what the original produces
   * @param compute type of the forward passes
   * @param seed decides which tokens are held out
   */
  public CompressionRun(
      MoeModel model, Compressor compressor, boolean sequential, Dtype compute, long seed) {
    this.model = model;
    this.compressor = compressor;
    this.sequential = sequential;
    this.compute = compute;
    this.seed = seed;
  }

  /** The method with its options. */
  public Compressor compressor() {
    return compressor;
  }

  /** The layers as they are. */
  public List<LayerShape> shapes() {
    return model.moeLayers().stream().map(this::shape).toList();
  }

  private LayerShape shape(MoeLayer moe) {
    return LayerShape.of(moe, model.architecture().hidden());
  }

  /** How many passes over the layers {@link #plan} and {@link #run} take together. */
  public int passes() {
    return compressor.surveys() ? 2 : 1;
  }

  /**
   * What the model computes in {@link #measure}, {@link #plan} and {@link #run}, in forward passes.
   */
  public int forwards() {
    return passes() + (compressor.needsFisherBases() ? BACKWARD_COST : 0);
  }

  /**
   * Bytes of the temporary file that {@link #measure} writes, if it writes one.
   *
   * @param tokens calibration tokens
   */
  public long temporaryBytes(long tokens) {
    long bytes = BackwardPass.stateBytes(model, compute, tokens);
    return compressor.needsFisherBases() && bytes > FisherBases.MEMORY_LIMIT ? bytes : 0;
  }

  /** Whether {@link #measure} has to come before {@link #run}, or before {@link #plan}. */
  public boolean lacksBases() {
    return compressor.needsFisherBases() && fisher.isEmpty();
  }

  /** How many layers {@link #measure} reports. */
  public int measuredLayers() {
    return BackwardPass.steps(model);
  }

  /**
   * Runs the model forward and backward and keeps the bases that the method needs; see {@link
   * FisherBases}. Gradients are those of the tokens to learn from.
   *
   * @param batches calibration tokens
   * @param progress is told each layer that was run forward or backward
   * @throws dev.smelt.io.SmeltException (checkpoint) if the loss is not finite, or if there is no
   *     sequence with two tokens to learn from
   */
  public void measure(List<TokenBatch> batches, IntConsumer progress) {
    compressor.check(shapes());
    fisher = Optional.of(FisherBases.measure(model, compute, batches, seed, progress));
  }

  /**
   * Decides how every layer will be stored.
   *
   * @param batches calibration tokens; may be empty if the method needs none
   * @param progress is told each layer that was surveyed
   */
  public List<CompactForm> plan(List<TokenBatch> batches, IntConsumer progress) {
    compressor.check(shapes());
    List<LayerSurvey> surveys = new ArrayList<>();
    if (compressor.surveys()) {
      walk(
          batches,
          work -> {
            surveys.add(compressor.survey(work));
            progress.accept(work.shape().layer());
            return Optional.empty();
          });
    }
    return compressor.plan(shapes(), surveys);
  }

  /**
   * Computes and writes all layers.
   *
   * @param forms of {@link #plan}
   * @param batches calibration tokens; may be empty if the method needs none
   * @param output takes what is computed
   * @param progress is told each layer that is finished
   */
  public List<ExpertReport> run(
      List<CompactForm> forms,
      List<TokenBatch> batches,
      CompactOutput output,
      IntConsumer progress) {
    List<ExpertReport> reports = new ArrayList<>();
    walk(
        batches,
        work -> {
          int layer = work.shape().layer();
          LayerCompression done = compression(work, form(forms, layer), output);
          reports.addAll(done.reports());
          progress.accept(layer);
          return Optional.of(done);
        });
    return List.copyOf(reports);
  }

  private LayerCompression compression(LayerWork work, CompactForm form, CompactOutput output) {
    MoeLayer moe = model.moeLayer(form.layer()).orElseThrow();
    Optional<Dtype> dense =
        sequential && work.hasTokens() ? Optional.of(compute) : Optional.empty();
    return new LayerCompression(work, form, moe.experts().valueType(), output, dense)
        .run(compressor);
  }

  private static CompactForm form(List<CompactForm> forms, int layer) {
    return forms.stream().filter(form -> form.layer() == layer).findFirst().orElseThrow();
  }

  /** Work on a layer; what became of it if its experts have changed. */
  private interface LayerTask {
    Optional<LayerCompression> on(LayerWork work);
  }

  private void walk(List<TokenBatch> batches, LayerTask task) {
    if (batches.isEmpty()) {
      walkWeights(task);
    } else {
      walkTokens(batches, task);
    }
  }

  private void walkWeights(LayerTask task) {
    for (MoeLayer moe : model.moeLayers()) {
      task.on(LayerWork.of(model, moe)).ifPresent(LayerCompression::close);
    }
  }

  private void walkTokens(List<TokenBatch> batches, LayerTask task) {
    int last = model.moeLayers().getLast().layer();
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      TokenSplit split = TokenSplit.draw(LayerTokens.lengths(states), seed);
      for (int l = 0; l <= last; l++) {
        try (var _ = Scope.open()) {
          DecoderLayer layer = model.layer(l, compute);
          if (layer.feedForward() instanceof FeedForward.Sparse(MoeBlock block)) {
            pass(layer, block, states, split, task);
          } else {
            states.advance(layer, MoeObserver.NONE);
          }
        }
      }
    }
  }

  private void pass(
      DecoderLayer layer, MoeBlock block, HiddenStates states, TokenSplit split, LayerTask task) {
    MoeLayer moe = model.moeLayer(layer.index()).orElseThrow();
    if (!sequential) {
      try (CapturedInputs inputs = CapturedInputs.advance(layer, states, split)) {
        task.on(work(moe, block, inputs)).ifPresent(LayerCompression::close);
      }
      return;
    }
    try (HiddenStates probe = states.copy();
        CapturedInputs inputs = CapturedInputs.advance(layer, probe, split)) {
      Optional<LayerCompression> changed = task.on(work(moe, block, inputs));
      List<Expert> experts = changed.map(LayerCompression::rows).orElse(block.experts());
      states.advance(
          layer.with(new FeedForward.Sparse(block.with(block.router(), experts))),
          MoeObserver.NONE);
      changed.ifPresent(LayerCompression::close);
    }
  }

  private LayerWork work(MoeLayer moe, MoeBlock block, CapturedInputs inputs) {
    LayerShape shape = shape(moe);
    return LayerWork.of(shape, LayerWork.stored(model, moe, shape), block, inputs).with(fisher);
  }

  @Override
  public void close() {
    fisher.ifPresent(FisherBases::close);
    fisher = Optional.empty();
  }
}
