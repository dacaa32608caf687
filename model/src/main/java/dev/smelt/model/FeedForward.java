package dev.smelt.model;

/** What follows the attention in a layer: experts, or one network for all tokens. */
public sealed interface FeedForward {
  /** Routed experts. */
  record Sparse(MoeBlock block) implements FeedForward {}

  /** One network for all tokens. */
  record Dense(Expert network) implements FeedForward {}

  /** Nothing: the layer is a mixer alone. */
  record Absent() implements FeedForward {}
}
