package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;

/**
 * What the router decided for n tokens.
 *
 * @param logits F32 (or F64), [n, E]
 * @param experts chosen experts, I64, [n, k]
 * @param gates gate values as they are applied, F32 (or F64), [n, k]
 */
public record Routing(Tensor logits, Tensor experts, Tensor gates) {}
