/**
 * What a model still knows of a text: likelihood, memorisation, continuation, membership, routing,
 * and how fast it learns the text again.
 *
 * <p>Start at {@link dev.smelt.unlearn.measure.Comparison}, which runs the model before and after
 * side by side. Measures that need only numbers are functions of {@link
 * dev.smelt.unlearn.measure.TokenScores}.
 */
package dev.smelt.unlearn.measure;
