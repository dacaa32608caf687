package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;

/** One layer of the decoder with its weights: attention, then experts or a dense network. */
public final class DecoderLayer {
  private final int index;
  private final RmsNorm inputNorm;
  private final Attention attention;
  private final RmsNorm blockNorm;
  private final FeedForward feedForward;

  DecoderLayer(
      int index,
      RmsNorm inputNorm,
      Attention attention,
      RmsNorm blockNorm,
      FeedForward feedForward) {
    this.index = index;
    this.inputNorm = inputNorm;
    this.attention = attention;
    this.blockNorm = blockNorm;
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
    return new DecoderLayer(index, inputNorm, attention, blockNorm, other);
  }

  /** Hidden states after the attention: [B, T, H] to [B, T, H]. */
  public Tensor attend(Tensor hidden) {
    return hidden.add(attention.apply(inputNorm.apply(hidden)));
  }

  /** What the experts or the dense network see: [.., H] to [.., H]. */
  public Tensor blockInput(Tensor attended) {
    return blockNorm.apply(attended);
  }

  /** Hidden states after the layer: [B, T, H] to [B, T, H]. */
  public Tensor apply(Tensor hidden, TokenBatch batch, MoeObserver observer) {
    Tensor attended = attend(hidden);
    return attended.add(feed(blockInput(attended), batch, observer));
  }

  private Tensor feed(Tensor input, TokenBatch batch, MoeObserver observer) {
    return switch (feedForward) {
      case FeedForward.Dense(Expert network) -> network.apply(input);
      case FeedForward.Sparse(MoeBlock block) ->
          batch.padded(block.apply(batch.rows(input), index, observer));
    };
  }
}
