/**
 * Training of some weights by gradients: the loop, the optimiser, the schedule of its rate, and
 * what a run needs to go on after it was killed.
 *
 * <p>Start at {@link dev.smelt.routing.train.Training}. What is trained, on which loss, is the
 * caller's: a {@link dev.smelt.routing.train.TrainingTask} gives gradients, the loop does the rest.
 */
package dev.smelt.routing.train;
