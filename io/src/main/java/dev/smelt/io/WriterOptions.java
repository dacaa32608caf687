package dev.smelt.io;

/**
 * How a checkpoint is written.
 *
 * @param maxShardBytes the most tensor bytes of one shard; a larger tensor gets a shard of its own
 * @param force whether an existing target may be replaced
 */
public record WriterOptions(long maxShardBytes, boolean force) {
  /** Shards of 5 GB, and no target is replaced. */
  public static final WriterOptions DEFAULTS = new WriterOptions(5_000_000_000L, false);

  /** Checks that a shard can hold something. */
  public WriterOptions {
    if (maxShardBytes <= 0) {
      throw SmeltException.usage(
          "the shard size must be positive, found " + maxShardBytes, "Try --max-shard-size 5GB.");
    }
  }
}
