/**
 * How a router chooses experts from its logits, and with which gate values.
 *
 * <p>Start with {@link dev.smelt.model.router.RoutingRule}. Weights and biases of a router belong
 * to {@link dev.smelt.model.Router}.
 */
package dev.smelt.model.router;
