package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.Expert;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.IntConsumer;

/**
 * The best of some random masks: the baseline that every other way to choose weights must beat.
 *
 * @param model the source
 * @param compute type of the forward passes
 * @param batches tokens whose loss decides
 */
public record MaskSearch(MoeModel model, Dtype compute, List<TokenBatch> batches) {
  /** Copies the list. */
  public MaskSearch {
    batches = List.copyOf(batches);
  }

  /** How many masks options ask for; 0 if they ask for no search. */
  public static int count(GivenOptions given) {
    int count = given.integer(Mask.SEARCH, 1).orElse(0);
    if (count > 0 && !given.text("score").orElse("").equals("random")) {
      throw SmeltException.usage(
          "--random-search draws random masks and nothing else", "add --score random");
    }
    if (count > 0 && given.has(Mask.SEED)) {
      throw SmeltException.usage(
          "--mask-seed and --random-search exclude each other", "give one of them");
    }
    return count;
  }

  /** The options without a search, with the seed that it found. */
  public static GivenOptions found(GivenOptions given, long seed) {
    SequencedMap<String, String> values = new LinkedHashMap<>(given.values());
    values.remove(Mask.SEARCH);
    values.put(Mask.SEED, String.valueOf(seed));
    return new GivenOptions(values);
  }

  /** The checkpoint whose weights are written under the mask, if options name one. */
  public static Optional<String> rewind(GivenOptions given) {
    return given.text(Mask.REWIND);
  }

  /** Options that apply the mask that others have found. */
  public static GivenOptions applying(String file) {
    SequencedMap<String, String> values = new LinkedHashMap<>();
    values.put(Mask.APPLY, file);
    return new GivenOptions(values);
  }

  /** The same options without a rewind. */
  public static GivenOptions withoutRewind(GivenOptions given) {
    SequencedMap<String, String> values = new LinkedHashMap<>(given.values());
    values.remove(Mask.REWIND);
    return new GivenOptions(values);
  }

  /**
   * The mean loss under each mask, in nats for each predicted token.
   *
   * @param given options of a random mask
   * @param count seeds 0 up to this
   * @param progress is told each mask that is finished
   */
  public List<Double> losses(GivenOptions given, int count, IntConsumer progress) {
    MaskRun first = (MaskRun) new Mask().configure(given);
    List<Double> losses = new ArrayList<>();
    for (int seed = 0; seed < count; seed++) {
      losses.add(loss(first.withSeed(seed)));
      progress.accept(seed);
    }
    return losses;
  }

  private double loss(MaskRun mask) {
    try (HiddenStates states = HiddenStates.embed(model, batches, compute)) {
      for (int l = 0; l < model.architecture().layers(); l++) {
        try (var _ = Scope.open()) {
          states.advance(masked(model.layer(l, compute), mask), MoeObserver.NONE);
        }
      }
      try (var _ = Scope.open()) {
        var losses = states.losses(model.head(compute));
        double sum = losses.stream().mapToDouble(HiddenStates.SequenceLoss::sum).sum();
        return sum / losses.stream().mapToLong(HiddenStates.SequenceLoss::tokens).sum();
      }
    }
  }

  private DecoderLayer masked(DecoderLayer layer, MaskRun mask) {
    if (!(layer.feedForward() instanceof FeedForward.Sparse(MoeBlock block))) {
      return layer;
    }
    LayerShape shape =
        LayerShape.of(model.moeLayer(layer.index()).orElseThrow(), model.architecture().hidden());
    LayerWork work = LayerWork.withoutTokens(shape, e -> block.experts().get(e));
    List<Expert> experts = new ArrayList<>();
    for (int e = 0; e < block.experts().size(); e++) {
      Expert expert = block.experts().get(e);
      experts.add(MaskRun.masked(expert, mask.masks(work, e, expert)));
    }
    return layer.with(new FeedForward.Sparse(block.with(block.router(), experts)));
  }
}
