package dev.smelt.model;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The numbers of a decoder.
 *
 * @param family its family
 * @param layers decoder layers
 * @param hidden size H of the hidden state
 * @param vocabulary number of tokens
 * @param headDim size of an attention head
 * @param normEpsilon epsilon of the norms
 * @param topK experts per token
 * @param renormalise whether gate values are renormalised
 * @param clip bound on queries, keys and values
 * @param rope rotary embedding
 * @param windows sliding window of each layer
 * @param tiedHead whether the output head is the embedding
 */
public record Architecture(
    Family family,
    int layers,
    int hidden,
    int vocabulary,
    int headDim,
    double normEpsilon,
    int topK,
    boolean renormalise,
    Optional<Double> clip,
    Rope rope,
    List<OptionalLong> windows,
    boolean tiedHead) {}
