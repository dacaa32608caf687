/**
 * Smaller experts: low rank, structured sparse, slimming, pruning masks.
 *
 * <p>A method is one file; {@link dev.smelt.compress.CompressionMethods} lists them. {@link
 * dev.smelt.compress.CompressionRun} takes a method through the layers of a model. Writing is the
 * model module's, and fewer experts are the merge module's.
 */
package dev.smelt.compress;
