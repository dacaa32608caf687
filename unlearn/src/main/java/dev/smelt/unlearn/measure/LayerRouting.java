package dev.smelt.unlearn.measure;

/**
 * How the routing of one layer changed on the same tokens. Arrays belong to the record and are not
 * to be modified.
 *
 * @param layer index of the decoder layer
 * @param overlap mean over tokens of the share of the chosen experts that were chosen before too
 * @param before share of the tokens that were routed to each expert, [E]
 * @param after the same now
 */
public record LayerRouting(int layer, double overlap, double[] before, double[] after) {}
