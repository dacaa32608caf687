/**
 * Recipes: a YAML file that names a model, the steps that change it and the checks at the end.
 *
 * <p>{@link dev.smelt.cli.recipe.RecipeParser} reads and validates one, {@link
 * dev.smelt.cli.recipe.Step} is what a step implements, and {@link dev.smelt.cli.recipe.RecipeRun}
 * carries what steps hand on to each other.
 */
package dev.smelt.cli.recipe;
