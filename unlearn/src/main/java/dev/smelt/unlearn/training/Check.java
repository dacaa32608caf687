package dev.smelt.unlearn.training;

/**
 * A look at the held-out sequences.
 *
 * @param step after which step
 * @param heldOut losses on the held-out sequences
 * @param training mean of what was minimised since the last check; zeros before the first step
 */
public record Check(int step, HeldOut heldOut, Terms training) {}
