package dev.smelt.model.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** The hash of a calibration set, as {@link CalibrationSet} documents it. */
public final class SequenceHash {
  private SequenceHash() {}

  static String of(List<TokenSequence> sequences) {
    return ofIds(sequences.stream().map(TokenSequence::tokens).toList());
  }

  /** The hash of sequences of token ids. */
  public static String ofIds(List<int[]> sequences) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      sequences.forEach(sequence -> digest.update(bytes(sequence)));
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static ByteBuffer bytes(int[] tokens) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Integer.BYTES * (tokens.length + 1)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(tokens.length);
    for (int token : tokens) {
      bytes.putInt(token);
    }
    return bytes.flip();
  }
}
