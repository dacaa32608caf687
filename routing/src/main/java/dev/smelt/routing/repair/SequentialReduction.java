package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.TensorFile;
import dev.smelt.routing.train.TrainingObserver;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.IntFunction;

/**
 * Walks the layers once with two streams of the same tokens: the original model, and the model that
 * is being reduced, or was reduced before and is trained. Each layer with experts is edited,
 * repaired towards the original stream on what the reduced model itself sees, handed to the sink,
 * and then lets the reduced stream pass in the types in which it will be written.
 *
 * <p>Memory: one layer (of each model, if there are two), two {@link HiddenStates}, and what {@link
 * Refit} or {@link Fit} state.
 *
 * @param teacher the original model
 * @param model the model whose layers are edited: the original one, or one with as many layers of
 *     the same form
 * @param compute the type of both streams
 * @param repair how layers are repaired
 * @param seed decides which tokens are held out, and the order of those that are learnt from
 */
public record SequentialReduction(
    MoeModel teacher, MoeModel model, Dtype compute, RepairOptions repair, long seed) {
  /** Edits the layers of the original model. */
  public SequentialReduction(MoeModel model, Dtype compute, RepairOptions repair, long seed) {
    this(model, model, compute, repair, seed);
  }

  /**
   * The tokens of a walk.
   *
   * @param batches calibration tokens
   * @param heldOut so many sequences at the end only judge; 0 draws an eighth of all
   */
  public record Text(List<TokenBatch> batches, int heldOut) {
    /** Copies the list. */
    public Text {
      batches = List.copyOf(batches);
    }

    private TokenSplit split(HiddenStates states, long seed) {
      List<Integer> lengths = LayerTokens.lengths(states);
      return heldOut == 0 ? TokenSplit.draw(lengths, seed) : TokenSplit.last(lengths, heldOut);
    }
  }

  /**
   * Reduces all layers.
   *
   * @param batches calibration tokens
   * @param edit takes experts away
   * @param sink takes the finished layers
   */
  public void run(List<TokenBatch> batches, LayerEdit edit, ReducedLayerSink sink) {
    run(batches, edit, sink, ReductionState.none());
  }

  /**
   * Reduces all layers that are not finished yet; the sink gets the finished ones first.
   *
   * @param batches calibration tokens, the same as when the state was begun
   * @param edit takes experts away
   * @param sink takes the finished layers
   * @param state where each finished layer is stored
   */
  public void run(
      List<TokenBatch> batches, LayerEdit edit, ReducedLayerSink sink, ReductionState state) {
    run(batches, edit, LayerFinish.NONE, sink, state);
  }

  /**
   * Reduces all layers that are not finished yet, with something more to do to each of them.
   *
   * @param batches calibration tokens, the same as when the state was begun
   * @param edit takes experts away
   * @param finish is done after the repair
   * @param sink takes the finished layers
   * @param state where each finished layer is stored
   */
  public void run(
      List<TokenBatch> batches,
      LayerEdit edit,
      LayerFinish finish,
      ReducedLayerSink sink,
      ReductionState state) {
    Work work = new Work(edit, _ -> List.of(), finish);
    run(new Text(batches, 0), work, sink, state, _ -> TrainingObserver.NONE);
  }

  /**
   * Trains all layers that are not finished yet, without an edit; the sink gets the finished ones
   * first.
   *
   * @param text calibration tokens, the same as when the state was begun
   * @param trained by layer the tensors that are trained as they are stored; for a layer without
   *     any the parts of its block are trained
   * @param sink takes the finished layers
   * @param state where each finished layer is stored
   * @param observers watches the fit of each layer
   */
  public void train(
      Text text,
      IntFunction<List<StoredTensor>> trained,
      ReducedLayerSink sink,
      ReductionState state,
      IntFunction<TrainingObserver> observers) {
    LayerEdit none = (_, block, _) -> ReducedBlock.whole(block);
    run(text, new Work(none, trained, LayerFinish.NONE), sink, state, observers);
  }

  /** What is done to a layer: an edit, a fit of some weights, and something after that. */
  private record Work(LayerEdit edit, IntFunction<List<StoredTensor>> trained, LayerFinish finish) {
    /** Whether nothing but the edit looks at tokens, and not at those of the original model. */
    private boolean isEditAlone() {
      return !edit.needsOriginal() && finish == LayerFinish.NONE;
    }
  }

  private void run(
      Text text,
      Work work,
      ReducedLayerSink sink,
      ReductionState state,
      IntFunction<TrainingObserver> observers) {
    state.replay((repair, file) -> finished(repair, file, work), sink);
    try (Streams streams = embed(text, work)) {
      state.restore(streams);
      TokenSplit split = text.split(streams.reduced(), seed);
      Walk walk = new Walk(streams, split, work, sink, state, observers);
      for (int l = state.next(); l < model.architecture().layers(); l++) {
        int index = l;
        if (teacher != model) {
          streams.original().ifPresent(states -> advanceTeacher(index, states));
        }
        try (var _ = Scope.open()) {
          DecoderLayer layer = model.layer(l, compute);
          if (teacher == model) {
            streams.original().ifPresent(states -> advance(layer, states, work.edit()));
          }
          pass(layer, walk);
        }
        state.finish(l, streams);
      }
    }
  }

  private Streams embed(Text text, Work work) {
    HiddenStates reduced = HiddenStates.embed(model, text.batches(), compute);
    if (repair.equals(RepairOptions.NONE) && work.isEditAlone()) {
      return new Streams(Optional.empty(), reduced);
    }
    HiddenStates original =
        teacher == model ? reduced.copy() : HiddenStates.embed(teacher, text.batches(), compute);
    return new Streams(Optional.of(original), reduced);
  }

  private void advanceTeacher(int layer, HiddenStates original) {
    try (var _ = Scope.open()) {
      original.advance(teacher.layer(layer, compute), MoeObserver.NONE);
    }
  }

  private static void advance(DecoderLayer layer, HiddenStates original, LayerEdit edit) {
    boolean sparse = layer.feedForward() instanceof FeedForward.Sparse;
    original.advance(layer, sparse ? edit.watchOriginal(layer.index()) : MoeObserver.NONE);
  }

  /** A layer that an earlier run has finished. */
  private ReducedBlock finished(LayerRepair repair, TensorFile file, Work work) {
    MoeLayer moe = model.moeLayer(repair.layer()).orElseThrow();
    List<StoredTensor> trained = work.trained().apply(repair.layer());
    if (trained.isEmpty()) {
      MoeBlock original = model.block(moe, new Weights(model.checkpoint(), compute));
      return ReductionState.read(original, repair, file);
    }
    SequencedMap<StoredTensor, Tensor> values = new LinkedHashMap<>();
    if (repair.fitSteps() > 0) {
      trained.forEach(tensor -> values.put(tensor, file.tensor(tensor.name())));
    }
    return StoredWeights.of(model, moe, compute, trained).stored(repair.survivors(), values);
  }

  /** What stays the same over all layers. */
  private record Walk(
      Streams streams,
      TokenSplit split,
      Work work,
      ReducedLayerSink sink,
      ReductionState state,
      IntFunction<TrainingObserver> observers) {
    private HiddenStates reduced() {
      return streams.reduced();
    }
  }

  private void pass(DecoderLayer layer, Walk walk) {
    if (layer.feedForward() instanceof FeedForward.Sparse(MoeBlock block)) {
      attend(layer, walk.reduced());
      walk.work()
          .edit()
          .watchReduced(layer.index())
          .ifPresent(o -> show(layer, block, walk.reduced(), o));
      var tokens = new LayerTokens(layer, block.shared(), walk.streams(), walk.split());
      MoeBlock stored = reduce(layer.index(), block, tokens, walk);
      if (!isLast(layer.index())) {
        MoeBlock routed = StoredTypes.all(compute).of(stored);
        addBlock(layer, block.with(routed.router(), routed.experts()), walk.reduced());
      }
    } else {
      walk.reduced().advance(layer, MoeObserver.NONE);
    }
  }

  /** Edits and repairs a block; returns what will be written, without the shared expert. */
  private MoeBlock reduce(int index, MoeBlock original, LayerTokens tokens, Walk walk) {
    ReducedBlock edited = walk.work().edit().reduce(index, original, tokens);
    List<StoredTensor> trained = walk.work().trained().apply(index);
    var work =
        new BlockRepair.Work(
            walk.streams().original().isPresent(),
            block -> start(index, block, trained),
            () -> objective(index, tokens),
            seed + index,
            walk.state().training(index),
            walk.observers().apply(index));
    BlockRepair done = BlockRepair.of(edited.block(), tokens, repair, work);
    ReducedBlock finished = stored(index, edited.survivors(), done, trained, walk, tokens);
    Optional<Double> after = walk.streams().original().map(_ -> heldOut(finished.block(), tokens));
    LayerRepair report = done.report(index, edited.survivors(), after, predicts(index));
    walk.state().store(finished, report);
    walk.sink().accept(finished, report);
    return finished.block();
  }

  private double heldOut(MoeBlock stored, LayerTokens tokens) {
    MoeBlock computed = StoredTypes.all(compute).of(stored);
    return BlockError.of(computed, tokens, tokens.split().heldOut()).relative();
  }

  private boolean isLast(int index) {
    return index == model.architecture().layers() - 1;
  }

  /** Whether the final norm and the output head read what a layer leaves. */
  private boolean predicts(int index) {
    return isLast(index) && !model.architecture().isEncoderDecoder();
  }

  private FitObjective objective(int index, LayerTokens tokens) {
    if (!predicts(index)) {
      return new OutputObjective(tokens);
    }
    LanguageHead head = model.head(compute);
    return new PredictionObjective(tokens, teacher == model ? head : teacher.head(compute), head);
  }

  /** The weights of a block that are fitted. */
  private Trainable start(int index, MoeBlock block, List<StoredTensor> trained) {
    return trained.isEmpty()
        ? BlockWeights.of(block, repair.fit().orElseThrow().trained())
        : StoredWeights.of(model, model.moeLayer(index).orElseThrow(), compute, trained);
  }

  /** The layer in the types in which it will be written. */
  private ReducedBlock stored(
      int index,
      List<Integer> survivors,
      BlockRepair done,
      List<StoredTensor> trained,
      Walk walk,
      LayerTokens tokens) {
    MoeLayer moe = model.moeLayer(index).orElseThrow();
    if (!trained.isEmpty()) {
      return StoredWeights.of(model, moe, compute, trained).stored(survivors, done.weights());
    }
    MoeBlock repaired = StoredTypes.of(moe).of(done.block());
    return new ReducedBlock(survivors, walk.work().finish().finish(index, repaired, tokens));
  }

  private static void attend(DecoderLayer layer, HiddenStates states) {
    for (int i = 0; i < states.size(); i++) {
      try (var _ = Scope.open()) {
        states.state(i).copyFrom(layer.attend(states.state(i)));
      }
    }
  }

  /** Sends attended states through the original experts, for the observer alone. */
  private static void show(
      DecoderLayer layer, MoeBlock block, HiddenStates attended, MoeObserver observer) {
    for (int i = 0; i < attended.size(); i++) {
      try (var _ = Scope.open()) {
        Tensor rows = attended.batch(i).rows(layer.blockInput(attended.state(i)));
        block.routedOnly().apply(rows, layer.index(), observer);
      }
    }
  }

  private static void addBlock(DecoderLayer layer, MoeBlock block, HiddenStates attended) {
    for (int i = 0; i < attended.size(); i++) {
      try (var _ = Scope.open()) {
        TokenBatch batch = attended.batch(i);
        Tensor state = attended.state(i);
        Tensor rows = batch.rows(layer.blockInput(state));
        Tensor output = batch.padded(block.apply(rows, layer.index(), MoeObserver.NONE));
        state.copyFrom(state.addScaled(output, layer.outputFactor()));
      }
    }
  }
}
