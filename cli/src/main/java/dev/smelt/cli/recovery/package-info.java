/**
 * What {@code smelt recover} does: checks that student and teacher belong together, draws the text,
 * trains layer by layer or end to end, and writes the student with its report and loss curve.
 *
 * <p>Start at {@link dev.smelt.cli.recovery.Recovery}.
 */
package dev.smelt.cli.recovery;
