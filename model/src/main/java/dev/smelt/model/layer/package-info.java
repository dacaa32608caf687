/**
 * How a decoder layer joins its parts: norms, residual connections and their order.
 *
 * <p>Start with {@link dev.smelt.model.layer.LayerForm}. The parts themselves (attention, experts)
 * are in other packages.
 */
package dev.smelt.model.layer;
