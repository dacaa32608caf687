/**
 * Training a few weights of a model so that it forgets: what is frozen before them is computed once
 * ({@link dev.smelt.unlearn.training.Inputs}), each step runs the layers from the first trained one
 * on, and held-out sequences decide when to stop and which weights are kept.
 *
 * <p>Start at {@link dev.smelt.unlearn.training.Trainer}.
 */
package dev.smelt.unlearn.training;
