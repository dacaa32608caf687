/**
 * The command line: the only place with standard output, standard error and exit codes.
 *
 * <p>Start at {@link dev.smelt.cli.Main}, which lists the commands. The commands themselves are in
 * {@code command}, what they print with is in {@code console}, and recipes are in {@code recipe}.
 */
package dev.smelt.cli;
