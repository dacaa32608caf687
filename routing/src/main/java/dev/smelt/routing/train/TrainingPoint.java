package dev.smelt.routing.train;

import java.util.Optional;

/**
 * One step of a training.
 *
 * @param step counted from 1
 * @param tokens of all steps up to this one
 * @param rate of the step
 * @param loss of the batch, before the step
 * @param gradientNorm norm of all gradients together, before it was limited
 * @param heldOut loss on held-out tokens after the step, where it was measured
 */
public record TrainingPoint(
    int step,
    long tokens,
    double rate,
    double loss,
    double gradientNorm,
    Optional<Double> heldOut) {}
