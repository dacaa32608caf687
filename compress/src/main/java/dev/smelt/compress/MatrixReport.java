package dev.smelt.compress;

import java.util.Optional;

/**
 * What became of one matrix.
 *
 * @param layer index of the decoder layer
 * @param expert number of the stored expert
 * @param matrix gate, up or down
 * @param rank of the factors; -1 if the matrix is stored whole, 0 without factors
 * @param kept neurons beside the factors
 * @param weightError norm of the difference of the weights over the norm of the weights; absent if
 *     the number of neurons differs
 * @param outputError the same of the outputs on held-out tokens, for the inputs that the original
 *     matrix sees; absent without such tokens
 * @param parametersBefore numbers of the matrix
 * @param parametersAfter stored numbers, without what the layer's experts share
 * @param bytes of what is stored, indices included
 */
public record MatrixReport(
    int layer,
    int expert,
    String matrix,
    int rank,
    int kept,
    Optional<Double> weightError,
    Optional<Double> outputError,
    long parametersBefore,
    long parametersAfter,
    long bytes) {}
