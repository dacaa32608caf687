package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.layer.StackForm;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The hidden states of all calibration or evaluation tokens between two layers.
 *
 * <p>They are the only tensors that outlive a layer. Each batch has one buffer for the whole run.
 */
public final class HiddenStates implements AutoCloseable {
  private final List<TokenBatch> batches;
  private final List<Tensor> states;
  private final boolean halves;

  private HiddenStates(List<TokenBatch> batches, List<Tensor> states, boolean halves) {
    this.batches = List.copyOf(batches);
    this.states = List.copyOf(states);
    this.halves = halves;
  }

  /** Embeds all batches. */
  public static HiddenStates embed(MoeModel model, List<TokenBatch> batches, Dtype compute) {
    List<Tensor> states = new ArrayList<>();
    for (TokenBatch batch : batches) {
      try (var scope = Scope.open()) {
        Tensor state = model.embed(batch.ids(), compute);
        states.add(scope.release(state));
      }
    }
    return new HiddenStates(batches, states, model.architecture().isEncoderDecoder());
  }

  /** Independent states with the same values. */
  public HiddenStates copy() {
    List<Tensor> copies = new ArrayList<>();
    for (Tensor state : states) {
      try (var scope = Scope.open()) {
        copies.add(scope.release(state.copy()));
      }
    }
    return new HiddenStates(batches, copies, halves);
  }

  /** Sends all batches through a layer. */
  public void advance(DecoderLayer layer, MoeObserver observer) {
    for (int i = 0; i < batches.size(); i++) {
      try (var _ = Scope.open()) {
        state(i).copyFrom(layer.apply(state(i), batches.get(i), observer));
      }
    }
  }

  /**
   * Sums of losses and counts of predicted tokens, for each sequence in order. A decoder that has
   * an encoder predicts only what it reads itself.
   */
  public List<SequenceLoss> losses(LanguageHead head) {
    List<SequenceLoss> losses = new ArrayList<>();
    for (int i = 0; i < batches.size(); i++) {
      List<int[]> sequences = batches.get(i).sequences();
      for (int b = 0; b < sequences.size(); b++) {
        try (var _ = Scope.open()) {
          int[] sequence = sequences.get(b);
          int from = halves ? StackForm.encoderTokens(sequence.length) : 0;
          int[] read = Arrays.copyOfRange(sequence, from, sequence.length);
          Tensor hidden = state(i).select(0, b).narrow(0, from, read.length);
          int predicted = Math.max(0, read.length - 1);
          double loss = predicted == 0 ? 0 : head.loss(hidden, read);
          losses.add(new SequenceLoss(loss, predicted));
        }
      }
    }
    return List.copyOf(losses);
  }

  /** Number of batches. */
  public int size() {
    return batches.size();
  }

  /** The tokens of a batch. */
  public TokenBatch batch(int index) {
    return batches.get(index);
  }

  /** The buffer of a batch, [B, T, H]; only the stream may modify it. */
  public Tensor state(int index) {
    return states.get(index);
  }

  /** Bytes of all buffers. */
  public long bytes() {
    return states.stream().mapToLong(s -> s.elements() * s.dtype().bytes()).sum();
  }

  @Override
  public void close() {
    states.forEach(Tensor::close);
  }

  /**
   * The loss of one sequence.
   *
   * @param sum negative log-likelihood, in nats
   * @param tokens predicted tokens
   */
  public record SequenceLoss(double sum, int tokens) {}
}
