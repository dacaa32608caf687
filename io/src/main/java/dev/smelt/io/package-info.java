/**
 * Checkpoints as bytes: safetensors files, shard index, config.json, side files and atomic output.
 *
 * <p>Start at {@code Checkpoint} to read and at {@code CheckpointWriter} to write. There is no
 * libtorch and no arithmetic on tensors here.
 */
package dev.smelt.io;
