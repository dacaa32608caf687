/**
 * Attention: grouped heads or latent keys and values, rotary embeddings, windows, chunks and sinks.
 *
 * <p>Start with {@link dev.smelt.model.attention.Attention}; what both kinds share is {@link
 * dev.smelt.model.attention.AttentionCore}. Which variant a family uses is not decided here.
 */
package dev.smelt.model.attention;
