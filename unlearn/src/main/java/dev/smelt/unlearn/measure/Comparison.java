package dev.smelt.unlearn.measure;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Routing;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.layer.Attended;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * A model before and after, on the same tokens at the same time: each as it is, and the model after
 * with the routing of the model before forced on it (its choice of experts and its gate values). If
 * what was forgotten comes back with that routing, it was not erased: tokens were only sent to
 * other experts.
 *
 * @param before the model as it was
 * @param after the model as it is; of the same architecture
 * @param compute element type of the forward passes
 * @param batchTokens tokens that go through a layer together
 */
public record Comparison(MoeModel before, MoeModel after, Dtype compute, int batchTokens) {
  /**
   * What the models make of some sequences.
   *
   * @param before scores of each sequence under the model before
   * @param after scores under the model after
   * @param forced scores under the model after with the routing of the model before
   * @param layers how the routing of each layer with experts changed
   * @param divergence mean over tokens of the Kullback-Leibler divergence from before to after,
   *     nats
   */
  public record Result(
      List<TokenScores> before,
      List<TokenScores> after,
      List<TokenScores> forced,
      List<LayerRouting> layers,
      double divergence) {}

  /** Checks that both models have the same layers and experts. */
  public Comparison {
    List<List<Integer>> a = shape(before);
    List<List<Integer>> b = shape(after);
    if (!a.equals(b)
        || before.architecture().hidden() != after.architecture().hidden()
        || before.architecture().vocabulary() != after.architecture().vocabulary()) {
      throw SmeltException.checkpoint(
          "%s and %s differ in their layers, experts, hidden size or vocabulary"
              .formatted(before.checkpoint().directory(), after.checkpoint().directory()),
          "compare a model with what was made of it by training, not by merging");
    }
  }

  private static List<List<Integer>> shape(MoeModel model) {
    List<List<Integer>> shape = new ArrayList<>();
    shape.add(List.of(model.architecture().layers(), model.architecture().topK()));
    for (MoeLayer moe : model.moeLayers()) {
      shape.add(List.of(moe.layer(), moe.experts().count()));
    }
    return shape;
  }

  /**
   * Runs sequences.
   *
   * @param sequences token ids, at least two each
   * @param progress is told each layer that is finished
   */
  public Result run(List<int[]> sequences, IntConsumer progress) {
    List<TokenBatch> batches = TokenBatch.split(sequences, batchTokens);
    List<LayerRouting> layers = new ArrayList<>();
    try (HiddenStates then = HiddenStates.embed(before, batches, compute);
        HiddenStates now = HiddenStates.embed(after, batches, compute);
        HiddenStates forced = HiddenStates.embed(after, batches, compute)) {
      for (int l = 0; l < before.architecture().layers(); l++) {
        try (var _ = Scope.open()) {
          new Step(before.layer(l, compute), after.layer(l, compute))
              .advance(then, now, forced)
              .ifPresent(layers::add);
        }
        progress.accept(l);
      }
      return scores(then, now, forced, layers);
    }
  }

  /** Remembers the routing of a batch. */
  private static final class Seen implements MoeObserver {
    private Optional<Routing> routing = Optional.empty();

    @Override
    public void routed(int layer, Tensor input, Routing decided) {
      routing = Optional.of(decided);
    }
  }

  /** One layer of both models. */
  private record Step(DecoderLayer before, DecoderLayer after) {
    Optional<LayerRouting> advance(HiddenStates then, HiddenStates now, HiddenStates forced) {
      Optional<RoutingOverlap> overlap = Optional.empty();
      for (int i = 0; i < then.size(); i++) {
        try (var _ = Scope.open()) {
          TokenBatch batch = then.batch(i);
          Seen first = new Seen();
          Seen second = new Seen();
          then.state(i).copyFrom(before.apply(then.state(i), batch, first));
          now.state(i).copyFrom(after.apply(now.state(i), batch, second));
          forced.state(i).copyFrom(forced(forced.state(i), batch, first.routing));
          if (first.routing.isPresent()) {
            int rows = (int) first.routing.get().logits().size(1);
            overlap = Optional.of(overlap.orElseGet(() -> new RoutingOverlap(rows)));
            overlap.get().add(first.routing.get(), second.routing.orElseThrow());
          }
        }
      }
      return overlap.map(counted -> counted.finish(before.index()));
    }

    private Tensor forced(Tensor hidden, TokenBatch batch, Optional<Routing> routing) {
      if (routing.isPresent() && after.feedForward() instanceof FeedForward.Sparse(var block)) {
        Attended attended = after.begin(hidden);
        Tensor rows = batch.rows(attended.input());
        Tensor output = block.apply(rows, routing.get(), after.index(), MoeObserver.NONE);
        return attended.finish(batch.padded(output));
      }
      return after.apply(hidden, batch, MoeObserver.NONE);
    }
  }

  private Result scores(
      HiddenStates then, HiddenStates now, HiddenStates forced, List<LayerRouting> layers) {
    List<TokenScores> first = new ArrayList<>();
    List<TokenScores> second = new ArrayList<>();
    List<TokenScores> third = new ArrayList<>();
    double divergence = 0;
    long tokens = 0;
    try (var _ = Scope.open()) {
      LanguageHead old = before.head(compute);
      LanguageHead current = after.head(compute);
      for (int i = 0; i < then.size(); i++) {
        for (int b = 0; b < then.batch(i).size(); b++) {
          try (var _ = Scope.open()) {
            int[] sequence = then.batch(i).sequences().get(b);
            Tensor x = own(then, i, b, sequence);
            Tensor y = own(now, i, b, sequence);
            first.add(TokenScores.of(old, x, sequence));
            second.add(TokenScores.of(current, y, sequence));
            third.add(TokenScores.of(current, own(forced, i, b, sequence), sequence));
            divergence += Divergence.sum(old, x, current, y);
            tokens += sequence.length;
          }
        }
      }
    }
    return new Result(first, second, third, layers, divergence / tokens);
  }

  private static Tensor own(HiddenStates states, int batch, int row, int[] sequence) {
    return states.state(batch).select(0, row).narrow(0, 0, sequence.length);
  }
}
