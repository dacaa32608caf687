package dev.smelt.model.attention;

import dev.smelt.model.Norm;

/**
 * Norms of queries and keys.
 *
 * @param query norm of queries
 * @param key norm of keys
 * @param place what they see
 */
public record HeadNorms(Norm query, Norm key, Place place) {
  /** What the norms see. */
  public enum Place {
    /** All heads of a token as one vector, before the rotary embedding. */
    WHOLE,
    /** Each head, before the rotary embedding. */
    HEAD,
    /** Each head, after the rotary embedding. */
    ROTATED
  }
}
