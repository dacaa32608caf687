package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;

/**
 * The part of a model that runs in every step.
 *
 * @param weights the trained weights and the frozen layers after them
 * @param first the first layer that runs
 * @param last the last layer of the model
 */
record Suffix(TrainedWeights weights, int first, int last) {
  /** Hidden states [B, T, H] after a layer, from those that enter the first one. */
  Tensor run(Tensor input, TokenBatch batch, int through, MoeObserver observer) {
    Tensor hidden = input;
    for (int l = first; l <= through; l++) {
      hidden = weights.layer(l).apply(hidden, batch, observer);
    }
    return hidden;
  }

  /** Hidden states after the last layer. */
  Tensor run(Tensor input, TokenBatch batch, MoeObserver observer) {
    return run(input, batch, last, observer);
  }

  /** Negative log-likelihood of each sequence, summed over its predicted tokens, F32, [B]. */
  Tensor sums(Tensor hidden, TokenBatch batch) {
    List<int[]> sequences = batch.sequences();
    int predicted = sequences.stream().mapToInt(s -> s.length - 1).sum();
    long[] positions = new long[predicted];
    long[] targets = new long[predicted];
    float[] members = new float[sequences.size() * predicted];
    int next = 0;
    for (int b = 0; b < sequences.size(); b++) {
      int[] sequence = sequences.get(b);
      for (int t = 0; t + 1 < sequence.length; t++, next++) {
        positions[next] = (long) b * batch.length() + t;
        targets[next] = sequence[t + 1];
        members[b * predicted + next] = 1;
      }
    }
    Tensor rows =
        hidden.reshape(-1, hidden.size(2)).indexSelect(0, Tensors.ofLongs(positions, predicted));
    Tensor losses = weights.head().losses(rows, Tensors.ofLongs(targets, predicted));
    Tensor belongs = Tensors.ofFloats(members, sequences.size(), predicted);
    return belongs.matmul(losses.to(Dtype.F32).unsqueeze(-1)).reshape(-1);
  }

  /** Predicted tokens of each sequence, F32, [B]. */
  static Tensor tokens(TokenBatch batch) {
    float[] tokens = new float[batch.size()];
    for (int b = 0; b < tokens.length; b++) {
      tokens[b] = batch.sequences().get(b).length - 1;
    }
    return Tensors.ofFloats(tokens, tokens.length);
  }
}
