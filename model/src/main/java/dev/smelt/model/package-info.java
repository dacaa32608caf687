/**
 * The architecture of Mixture-of-Experts checkpoints: families as small descriptions, the forward
 * pass layer by layer, and what the layers of a checkpoint mean.
 */
package dev.smelt.model;
