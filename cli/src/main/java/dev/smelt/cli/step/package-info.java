/** The commands as steps of a recipe: what each takes from the run, and what it leaves there. */
package dev.smelt.cli.step;
