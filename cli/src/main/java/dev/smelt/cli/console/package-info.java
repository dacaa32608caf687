/**
 * What commands print with: results and messages, progress, tables, units and JSON.
 *
 * <p>Start at {@link dev.smelt.cli.console.Console}. Nothing here knows what a checkpoint is.
 */
package dev.smelt.cli.console;
