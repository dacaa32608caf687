package dev.smelt.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;

/** Identifies a checkpoint without reading all of it; see {@link Checkpoint#fingerprint}. */
final class Fingerprint {
  private static final int SAMPLES = 32;
  private static final int SAMPLE_BYTES = 512;

  private Fingerprint() {}

  static String of(ConfigDocument config, Collection<Path> shards) {
    MessageDigest digest = sha256();
    digest.update(config.text().getBytes(StandardCharsets.UTF_8));
    for (Path shard : shards) {
      try (FileChannel channel = FileChannel.open(shard, StandardOpenOption.READ)) {
        add(digest, shard, channel);
      } catch (IOException e) {
        throw Failures.reading(shard, e);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void add(MessageDigest digest, Path shard, FileChannel channel)
      throws IOException {
    long size = channel.size();
    byte[] header = SafetensorsFile.header(shard, channel, size);
    String label = "\n" + shard.getFileName() + "\n" + size + "\n";
    digest.update(label.getBytes(StandardCharsets.UTF_8));
    digest.update(header);
    long start = (long) Long.BYTES + header.length;
    long step = Math.max(SAMPLE_BYTES, (size - start) / SAMPLES);
    for (long at = start; at < size; at += step) {
      ByteBuffer sample = ByteBuffer.allocate((int) Math.min(SAMPLE_BYTES, size - at));
      Bytes.readFully(channel, sample, at);
      digest.update(sample.flip());
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
