package dev.smelt.merge;

/**
 * What was decided and found when a layer was reduced.
 *
 * @param plan what became of its experts
 * @param alignment how well neurons matched
 */
public record LayerDecision(LayerPlan plan, LayerAlignment alignment) {}
