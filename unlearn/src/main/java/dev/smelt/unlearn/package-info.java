/**
 * Making a model forget a text by training one expert: attribution finds the expert, a loss is
 * minimised over its weights and its layer's router, and reports measure what was forgotten.
 *
 * <p>Start at {@link dev.smelt.unlearn.attribution.AffinityRun} for the attribution.
 */
package dev.smelt.unlearn;
