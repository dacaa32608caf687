/**
 * Writing a checkpoint with fewer experts in stock form: kept experts as bytes under new numbers,
 * computed ones in the type of the source, router rows sliced, config.json edited.
 *
 * <p>Start at {@link dev.smelt.model.export.ReductionWriter}.
 */
package dev.smelt.model.export;
