/**
 * What a checkpoint is, read from tensor names, shapes and config.json alone.
 *
 * <p>Start at {@link dev.smelt.cli.inspect.ModelSummary}. It works for families that smelt cannot
 * run, and needs no libtorch.
 */
package dev.smelt.cli.inspect;
