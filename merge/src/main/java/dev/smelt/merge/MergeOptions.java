package dev.smelt.merge;

import dev.smelt.merge.alignment.AlignmentMode;

/**
 * What the user chooses for a merge.
 *
 * @param experts experts that are left in each layer
 * @param similarity what puts experts into the same group
 * @param align how neurons are matched before the average
 * @param weights how much each member counts
 * @param router which router row a merged expert gets
 */
public record MergeOptions(
    int experts,
    Similarity similarity,
    AlignmentMode align,
    MergeWeights weights,
    RouterRule router) {}
