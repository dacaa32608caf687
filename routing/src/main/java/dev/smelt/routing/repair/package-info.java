/**
 * Repairs the experts that are left when a layer loses some: towards what the original layer
 * computed, one layer in memory, in the stream of the calibration tokens.
 *
 * <p>Start at {@link dev.smelt.routing.repair.SequentialReduction}, which walks the layers; {@link
 * dev.smelt.routing.repair.Refit} is the closed form and {@link dev.smelt.routing.repair.Fit} the
 * gradient fit after it. Which experts are dropped or merged is decided elsewhere, and so is the
 * checkpoint that is written.
 */
package dev.smelt.routing.repair;
