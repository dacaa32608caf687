/**
 * Distillation of a whole model: a student in memory learns from what its teacher says of the same
 * text, and from the text itself.
 *
 * <p>Start at {@link dev.smelt.routing.recover.Distillation}. The layerwise way, with one layer in
 * memory, is {@link dev.smelt.routing.repair.SequentialReduction} with a teacher of its own.
 */
package dev.smelt.routing.recover;
