/** The command line: the only place with standard output, standard error and exit codes. */
package dev.smelt.cli;
