/** Smaller experts: low rank, structured sparse, slimming, pruning masks. Not filled yet. */
package dev.smelt.compress;
