/**
 * Expert attribution, unlearning losses, router anchor, forget and retain metrics. Not filled yet.
 */
package dev.smelt.unlearn;
