/**
 * Experts that are stored as the sum of parts: low-rank factors, kept neurons, a base that a layer
 * shares. Start at {@link dev.smelt.model.compact.CompactForm}. What writes them is in {@code
 * model.export}.
 */
package dev.smelt.model.compact;
