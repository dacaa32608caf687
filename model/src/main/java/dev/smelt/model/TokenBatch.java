package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Sequences that go through a layer together. Shorter ones are padded on the right, which no token
 * before can see; padding is never counted, routed or measured.
 *
 * @param sequences token ids, each with at least one token
 */
public record TokenBatch(List<int[]> sequences) {
  /** Copies the list. */
  public TokenBatch {
    sequences = List.copyOf(sequences);
  }

  /** Number of sequences. */
  public int size() {
    return sequences.size();
  }

  /** Length of the longest sequence. */
  public int length() {
    return sequences.stream().mapToInt(s -> s.length).max().orElse(0);
  }

  /** Tokens without padding. */
  public long tokens() {
    return sequences.stream().mapToLong(s -> s.length).sum();
  }

  private boolean isPadded() {
    return tokens() != (long) size() * length();
  }

  /** Ids [B, T], padded with zeros. */
  public Tensor ids() {
    long[] ids = new long[size() * length()];
    for (int b = 0; b < size(); b++) {
      int[] sequence = sequences.get(b);
      for (int t = 0; t < sequence.length; t++) {
        ids[b * length() + t] = sequence[t];
      }
    }
    return Tensors.ofLongs(ids, size(), length());
  }

  /** Where the tokens are among all B * T positions, I64; empty if there is no padding. */
  Optional<Tensor> positions() {
    if (!isPadded()) {
      return Optional.empty();
    }
    long[] positions =
        IntStream.range(0, size())
            .flatMap(b -> IntStream.range(0, sequences.get(b).length).map(t -> b * length() + t))
            .asLongStream()
            .toArray();
    return Optional.of(Tensors.ofLongs(positions, positions.length));
  }

  /** Rows of the tokens: [B, T, H] to [n, H]. */
  public Tensor rows(Tensor padded) {
    Tensor flat = padded.reshape(-1, padded.size(-1));
    return positions().map(p -> flat.indexSelect(0, p)).orElse(flat);
  }

  /** Rows back in their places: [n, H] to [B, T, H], zeros in the padding. */
  public Tensor padded(Tensor rows) {
    long width = rows.size(-1);
    Tensor flat =
        positions()
            .map(
                p -> {
                  Tensor all = Tensors.zeros(rows.dtype(), (long) size() * length(), width);
                  return all.indexCopy(0, p, rows);
                })
            .orElse(rows);
    return flat.reshape(size(), length(), width);
  }

  /** Splits sequences, in their order, into batches of at most so many padded tokens. */
  public static List<TokenBatch> split(List<int[]> sequences, int maxTokens) {
    List<TokenBatch> batches = new ArrayList<>();
    int from = 0;
    while (from < sequences.size()) {
      int to = from;
      int longest = 0;
      while (to < sequences.size()) {
        longest = Math.max(longest, sequences.get(to).length);
        if (to > from && (long) longest * (to - from + 1) > maxTokens) {
          break;
        }
        to++;
      }
      batches.add(new TokenBatch(sequences.subList(from, to)));
      from = to;
    }
    return List.copyOf(batches);
  }

  @Override
  public String toString() {
    return "TokenBatch" + Arrays.toString(new int[] {size(), length()});
  }
}
