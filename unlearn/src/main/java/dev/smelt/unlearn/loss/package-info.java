/**
 * What is minimised so that a text is forgotten: one loss, one file, all in {@link
 * dev.smelt.unlearn.loss.UnlearnLosses}.
 */
package dev.smelt.unlearn.loss;
