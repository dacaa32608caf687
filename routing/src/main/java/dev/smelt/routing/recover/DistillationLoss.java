package dev.smelt.routing.recover;

import dev.smelt.io.Dtype;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The loss of a student on sequences whose teacher's words are known.
 *
 * @param student the model
 * @param teacher what the teacher says; absent where only the text counts
 * @param sequences all token ids
 * @param options weights and temperature
 */
record DistillationLoss(
    Student student,
    Optional<TeacherCache> teacher,
    List<int[]> sequences,
    DistillationOptions options) {
  /** What is left to all tokens that are not among the likeliest is never taken as less. */
  private static final double LEAST_REST = 1e-6;

  /** The sum of the losses of some sequences, as a tensor without dimensions. */
  Tensor sum(List<Integer> some, Weights weights) {
    TokenBatch batch = new TokenBatch(some.stream().map(sequences::get).toList());
    List<Tensor> states = student.states(batch, weights);
    Tensor rows = predicting(batch, states.getLast());
    Tensor logits = student.logits(rows, weights);
    Tensor wide = logits.to(weights.wide());
    List<Tensor> terms = new ArrayList<>();
    if (options.text() > 0) {
      terms.add(crossEntropy(wide, batch).mul(options.text()));
    }
    if (options.teacher() > 0) {
      double square = options.temperature() * options.temperature();
      terms.add(divergence(wide, some).mul(options.teacher() * square));
    }
    if (options.hidden() > 0) {
      terms.add(distance(states, batch, some, weights.wide()).mul(options.hidden()));
    }
    return terms.stream().reduce(Tensor::add).orElseThrow();
  }

  /** Predicted tokens of some sequences. */
  long tokens(List<Integer> some) {
    return some.stream().mapToLong(s -> sequences.get(s).length - 1L).sum();
  }

  /** Rows of the positions that have a next token: [B, T, H] to [n, H]. */
  private static Tensor predicting(TokenBatch batch, Tensor state) {
    List<Tensor> parts = new ArrayList<>();
    for (int b = 0; b < batch.size(); b++) {
      parts.add(state.select(0, b).narrow(0, 0, batch.sequences().get(b).length - 1L));
    }
    return Tensors.concat(parts, 0);
  }

  private static Tensor crossEntropy(Tensor logits, TokenBatch batch) {
    int[] next =
        batch.sequences().stream().flatMapToInt(ids -> Arrays.stream(ids, 1, ids.length)).toArray();
    Tensor log = logits.logSoftmax(-1);
    return log.gather(-1, Tensors.ofInts(next).unsqueeze(-1)).sum().mul(-1);
  }

  private Tensor divergence(Tensor logits, List<Integer> some) {
    TeacherCache cache = teacher.orElseThrow();
    Tensor tokens = concat(some.stream().map(cache::tokens).toList()).to(Dtype.I64);
    Tensor known = concat(some.stream().map(cache::logProbabilities).toList()).to(logits.dtype());
    Tensor log = logits.mul(1 / options.temperature()).logSoftmax(-1).gather(-1, tokens);
    Tensor likely = known.exp().mul(known.sub(log)).sum();
    if (options.likeliest() == student.vocabulary()) {
      return likely;
    }
    Tensor rest = rest(known);
    return likely.add(rest.mul(rest.log().sub(rest(log).log())).sum());
  }

  /** The probability of all other tokens, [n]. */
  private static Tensor rest(Tensor log) {
    return log.exp().sum(-1).mul(-1).add(1).clamp(LEAST_REST, 1);
  }

  /** Squared distances relative to the teacher's states, a mean over layers, summed over tokens. */
  private Tensor distance(List<Tensor> states, TokenBatch batch, List<Integer> some, Dtype wide) {
    TeacherCache cache = teacher.orElseThrow();
    List<Tensor> sums = new ArrayList<>();
    for (int l = 0; l < states.size(); l++) {
      int layer = l;
      Tensor own = batch.rows(states.get(l)).to(wide);
      Tensor other = concat(some.stream().map(s -> cache.state(s, layer)).toList()).to(wide);
      Tensor size = other.square().sum(-1);
      sums.add(own.sub(other).square().sum(-1).div(size).sum());
    }
    return sums.stream().reduce(Tensor::add).orElseThrow().mul(1.0 / states.size());
  }

  private static Tensor concat(List<Tensor> parts) {
    return Tensors.concat(parts, 0);
  }
}
