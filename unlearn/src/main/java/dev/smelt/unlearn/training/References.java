package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.StateStore;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.unlearn.loss.LikelihoodLoss;
import dev.smelt.unlearn.loss.RepresentationLoss;
import dev.smelt.unlearn.loss.RetainTerm;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * What losses compare with, computed once from the untouched weights: log-likelihoods of forget
 * sequences (npo), hidden states of retain tokens after the last layer (kl) or after the target
 * layer (rmu), norms of those of forget tokens (rmu-adaptive), and rmu's direction.
 */
final class References implements AutoCloseable {
  private final double[] sums;
  private final Optional<StateStore> norms;
  private final Optional<StateStore> retain;
  private final double[] direction;

  private References(
      double[] sums, Optional<StateStore> norms, Optional<StateStore> retain, double[] direction) {
    this.sums = sums;
    this.norms = norms;
    this.retain = retain;
    this.direction = direction;
  }

  /** Computes what the loss needs. */
  static References compute(
      Suffix suffix,
      TrainOptions options,
      int targetLayer,
      int hidden,
      TextPart forget,
      Optional<TextPart> retain) {
    return switch (options.loss()) {
      case LikelihoodLoss loss ->
          new References(
              loss.usesReference() ? sums(suffix, options, forget) : new double[0],
              Optional.empty(),
              options.retainTerm() == RetainTerm.KL && loss.usesRetain()
                  ? retain.map(part -> states(suffix, options, part, suffix.last()))
                  : Optional.empty(),
              new double[0]);
      case RepresentationLoss _ ->
          new References(
              new double[0],
              Optional.of(norms(suffix, options, forget, targetLayer)),
              retain.map(part -> states(suffix, options, part, targetLayer)),
              direction(hidden, options.seed()));
    };
  }

  private static double[] sums(Suffix suffix, TrainOptions options, TextPart part) {
    double[] sums = new double[part.sequences().size()];
    for (int[] indices : part.runs(options.batch())) {
      try (var _ = Scope.open()) {
        TokenBatch batch = part.batch(indices);
        Tensor hidden = suffix.run(part.inputs().of(indices, batch), batch, MoeObserver.NONE);
        double[] found = suffix.sums(hidden, batch).toDoubles();
        for (int i = 0; i < found.length; i++) {
          sums[indices[i]] = found[i];
        }
      }
    }
    return sums;
  }

  private static StateStore norms(
      Suffix suffix, TrainOptions options, TextPart part, int targetLayer) {
    StateStore store = StateStore.create(part.sequences(), Dtype.F32, 1, options.memoryLimit());
    fill(store, suffix, options, part, targetLayer, true);
    return store;
  }

  private static StateStore states(
      Suffix suffix, TrainOptions options, TextPart part, int through) {
    Dtype dtype;
    int width;
    try (var _ = Scope.open()) {
      int[] one = {0};
      Tensor input = part.inputs().of(one, part.batch(one));
      dtype = input.dtype();
      width = (int) input.size(2);
    }
    StateStore store = StateStore.create(part.sequences(), dtype, width, options.memoryLimit());
    fill(store, suffix, options, part, through, false);
    return store;
  }

  private static void fill(
      StateStore store,
      Suffix suffix,
      TrainOptions options,
      TextPart part,
      int through,
      boolean norms) {
    for (int[] indices : part.runs(options.batch())) {
      try (var _ = Scope.open()) {
        TokenBatch batch = part.batch(indices);
        Tensor after =
            suffix.run(part.inputs().of(indices, batch), batch, through, MoeObserver.NONE);
        for (int b = 0; b < indices.length; b++) {
          Tensor own = after.select(0, b).narrow(0, 0, batch.sequences().get(b).length);
          store.put(indices[b], norms ? own.to(Dtype.F32).norm(-1).unsqueeze(-1) : own);
        }
      }
    }
  }

  /** Uniform in [0, 1), divided by its norm, as in RMU's released code. */
  private static double[] direction(int hidden, long seed) {
    Random random = new Random(seed);
    double[] direction = new double[hidden];
    Arrays.setAll(direction, _ -> random.nextDouble());
    double norm = Math.sqrt(Arrays.stream(direction).map(d -> d * d).sum());
    return Arrays.stream(direction).map(d -> d / norm).toArray();
  }

  /** Negative log-likelihoods of sequences, F32, [B]. */
  Tensor sums(int[] indices) {
    return Objective.vector(sums, indices);
  }

  /** Norms of the states of forget tokens without padding, F32, [n, 1]. */
  Tensor forgetNorms(int[] indices) {
    return rows(norms.orElseThrow(), indices);
  }

  /** States of retain tokens without padding, [n, H]. */
  Tensor retainRows(int[] indices) {
    return rows(retain.orElseThrow(), indices);
  }

  private static Tensor rows(StateStore store, int[] indices) {
    List<Tensor> rows = new ArrayList<>();
    for (int index : indices) {
      rows.add(store.get(index));
    }
    return Tensors.concat(rows, 0);
  }

  /** RMU's unit vector, F32, [H]. */
  Tensor direction() {
    return Tensors.ofDoubles(direction, direction.length).to(Dtype.F32);
  }

  @Override
  public void close() {
    norms.ifPresent(StateStore::close);
    retain.ifPresent(StateStore::close);
  }
}
