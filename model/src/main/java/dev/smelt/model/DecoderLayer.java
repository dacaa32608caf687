package dev.smelt.model;

import dev.smelt.io.SmeltException;
import dev.smelt.model.layer.Additive;
import dev.smelt.model.layer.Attended;
import dev.smelt.model.layer.LayerForm;
import dev.smelt.model.layer.StackForm;
import dev.smelt.model.mixer.MixerMemory;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.function.UnaryOperator;

/** One layer of the decoder with its weights: attention, then experts or a dense network. */
public final class DecoderLayer {
  private final int index;
  private final LayerForm form;
  private final FeedForward feedForward;

  DecoderLayer(int index, LayerForm form, FeedForward feedForward) {
    this.index = index;
    this.form = form;
    this.feedForward = feedForward;
  }

  /** Index of the layer. */
  public int index() {
    return index;
  }

  /** What follows the attention. */
  public FeedForward feedForward() {
    return feedForward;
  }

  /** The same layer with other experts, router or dense network. */
  public DecoderLayer with(FeedForward other) {
    return new DecoderLayer(index, form, other);
  }

  /**
   * The same layer for sequences that arrive in pieces: each call continues them.
   *
   * @param memory where its mixers keep what came before
   */
  public DecoderLayer continuing(MixerMemory memory) {
    return new DecoderLayer(index, form.mapMixers(m -> m.continuing(memory)), feedForward);
  }

  /** Runs the layer up to its experts or dense network: hidden states [B, T, H]. */
  public Attended begin(Tensor hidden) {
    return form.attend(hidden);
  }

  /**
   * What the output of the experts is added to, [B, T, H] to [B, T, H].
   *
   * @throws SmeltException if a layer of this family does more than to add it
   */
  public Tensor attend(Tensor hidden) {
    return sum().base(hidden);
  }

  /** What the experts see of a state that {@link #attend} gave: [.., H] to [.., H]. */
  public Tensor blockInput(Tensor attended) {
    return sum().input(attended);
  }

  /** The factor on the output of the experts when it is added. */
  public double outputFactor() {
    return sum().factor();
  }

  private Additive sum() {
    return form.additive()
        .orElseThrow(
            () ->
                SmeltException.unsupported(
                    "layer "
                        + index
                        + ": its output is not the sum of a state and what the experts give",
                    "use a method that does not refit layers one after the other"
                        + " (--repair none)"));
  }

  /** Hidden states after the layer: [B, T, H] to [B, T, H]. */
  public Tensor apply(Tensor hidden, TokenBatch batch, MoeObserver observer) {
    if (form instanceof StackForm stack) {
      List<Integer> lengths = batch.sequences().stream().map(s -> s.length).toList();
      return stack.run(hidden, lengths, network(observer));
    }
    return complete(begin(hidden), batch, observer);
  }

  /** Experts or dense network on the tokens of one sequence, [n, H] to [n, H]. */
  private UnaryOperator<Tensor> network(MoeObserver observer) {
    return switch (feedForward) {
      case FeedForward.Absent() -> input -> input;
      case FeedForward.Dense(Expert network) -> network::apply;
      case FeedForward.Sparse(MoeBlock block) -> input -> block.apply(input, index, observer);
    };
  }

  /** One sequence of an encoder-decoder with so many rows of the encoder: [T, H] to [T, H]. */
  Tensor apply(Tensor sequence, int encoder, MoeObserver observer) {
    return ((StackForm) form).run(sequence, encoder, network(observer));
  }

  /** Hidden states after the layer, [B, T, H], from where {@link #begin} stopped. */
  public Tensor complete(Attended attended, TokenBatch batch, MoeObserver observer) {
    Tensor input = attended.input();
    return switch (feedForward) {
      case FeedForward.Absent() -> input;
      case FeedForward.Dense(Expert network) -> attended.finish(network.apply(input));
      case FeedForward.Sparse(MoeBlock block) ->
          attended.finish(batch.padded(block.apply(batch.rows(input), index, observer)));
    };
  }
}
