/**
 * Which experts a text engages: the affinity of every expert, how stable it is, and the choice of
 * the experts to train.
 *
 * <p>Start at {@link dev.smelt.unlearn.attribution.AffinityRun}, or at {@link
 * dev.smelt.unlearn.attribution.Affinity#of} for routing statistics that are there already.
 */
package dev.smelt.unlearn.attribution;
