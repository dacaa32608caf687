/**
 * Several ways to fewer experts side by side, on one model and one text.
 *
 * <p>Start at {@link dev.smelt.cli.comparison.Comparison}; {@link
 * dev.smelt.cli.comparison.Contender} reads the names, {@link dev.smelt.cli.comparison.ParetoChart}
 * draws.
 */
package dev.smelt.cli.comparison;
