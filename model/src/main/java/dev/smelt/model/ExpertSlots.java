package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;

/**
 * The n * k slots of a batch (token, expert), sorted by expert and within it by token.
 *
 * @param offsets expert e has the slots offsets[e] up to offsets[e+1]
 * @param experts expert of each slot, I64, [n * k]
 * @param tokens token of each slot, I64, [n * k]
 * @param gates gate value of each slot, F32 or F64, [n * k]
 * @param outputs output of the slot's expert before the gate, [n * k, H]
 */
public record ExpertSlots(
    long[] offsets, Tensor experts, Tensor tokens, Tensor gates, Tensor outputs) {}
