/**
 * One class per command, and the options that several commands share.
 *
 * <p>A command reads its options, calls the library and prints. Its fields and method signatures
 * name no type of libtorch, so that the help text and the commands on files alone start quickly.
 */
package dev.smelt.cli.command;
