package dev.smelt.model;

import dev.smelt.model.router.RoutingRule;

/**
 * The numbers of a decoder.
 *
 * @param family its family
 * @param layers decoder layers
 * @param hidden size H of the hidden state
 * @param vocabulary number of tokens
 * @param normEpsilon epsilon of the norms
 * @param routing how routers choose experts
 * @param groups groups that the experts form for the router, runs of equal length; 1 for none
 * @param tiedHead whether the output head is the embedding
 */
public record Architecture(
    Family family,
    int layers,
    int hidden,
    int vocabulary,
    double normEpsilon,
    RoutingRule routing,
    int groups,
    boolean tiedHead) {
  /**
   * Whether the first half of a sequence is read by an encoder, and only the rest by a decoder that
   * predicts.
   */
  public boolean isEncoderDecoder() {
    return family.form == Family.Form.ENCODER_DECODER;
  }

  /** Experts per token. */
  public int topK() {
    return routing.topK();
  }
}
