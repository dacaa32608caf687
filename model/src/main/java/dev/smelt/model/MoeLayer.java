package dev.smelt.model;

import dev.smelt.io.StoredTensor;

/**
 * A decoder layer with experts, as it lies on disk.
 *
 * @param layer index of the decoder layer
 * @param router the router's matrix, [E, H]
 * @param experts the routed experts
 */
public record MoeLayer(int layer, StoredTensor router, ExpertStorage experts) {}
