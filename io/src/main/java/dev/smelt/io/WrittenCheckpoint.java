package dev.smelt.io;

import java.nio.file.Path;

/**
 * What was written.
 *
 * @param directory the target, which exists now
 * @param tensorBytes the bytes of all tensors
 * @param fileBytes the bytes of all safetensors files, headers included
 * @param shards the number of safetensors files
 * @param tensors the number of tensors
 */
public record WrittenCheckpoint(
    Path directory, long tensorBytes, long fileBytes, int shards, int tensors) {}
