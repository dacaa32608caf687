package dev.smelt.merge.alignment;

import dev.smelt.model.Expert;
import java.util.Optional;

/**
 * An expert whose neurons are in the order and scale of another one; its function is the same.
 *
 * @param expert its weights
 * @param alignment how well they match; empty without alignment
 */
public record Aligned(Expert expert, Optional<Alignment> alignment) {}
