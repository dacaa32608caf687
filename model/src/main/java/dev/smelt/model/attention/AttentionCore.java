package dev.smelt.model.attention;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Scores, softmax and the weighted sum of values: causal, within a window or a chunk.
 *
 * <p>With a window or chunks, queries go in blocks against the keys they can see, so that no full
 * matrix of scores is made.
 *
 * @param scale factor on the scores
 * @param window keys that a query sees, its own included; empty for all before it
 * @param chunk a query sees keys whose position has the same quotient by this length
 * @param sinks [heads]: a score that takes part in the softmax of a head and has no value
 */
public record AttentionCore(
    double scale, OptionalLong window, OptionalLong chunk, Optional<Tensor> sinks) {
  /** Queries of a block at least, when windows are narrow. */
  private static final long MIN_BLOCK = 128;

  /**
   * Attends the last T of S positions to all of them: [B, heads, T, d] to [B, kv heads, S, d] and
   * [B, kv heads, S, v] gives [B, heads, T, v].
   */
  public Tensor attend(Tensor queries, Tensor keys, Tensor values) {
    long length = queries.size(2);
    long before = keys.size(2) - length;
    List<Tensor> parts = new ArrayList<>();
    long count;
    for (long from = 0; from < length; from += count) {
      count = Math.min(blockLength(length, before + from), length - from);
      long first = firstKey(before + from);
      long seen = before + from + count - first;
      parts.add(
          block(
              queries.narrow(2, from, count),
              keys.narrow(2, first, seen),
              values.narrow(2, first, seen)));
    }
    return parts.size() == 1 ? parts.getFirst() : Tensors.concat(parts, 2);
  }

  /** Queries of a block that begins at a position; a block does not reach into the next chunk. */
  private long blockLength(long length, long position) {
    return chunk.isPresent()
        ? chunk.getAsLong() - position % chunk.getAsLong()
        : window.isPresent() ? Math.max(MIN_BLOCK, window.getAsLong()) : length;
  }

  private long firstKey(long query) {
    long visible = window.isPresent() ? Math.max(0, query - window.getAsLong() + 1) : 0;
    long sameChunk = chunk.isPresent() ? query / chunk.getAsLong() * chunk.getAsLong() : 0;
    return Math.max(visible, sameChunk);
  }

  /** Queries against keys that end at the same position. */
  private Tensor block(Tensor queries, Tensor keys, Tensor values) {
    Tensor q = queries;
    Tensor k = keys;
    Tensor v = values;
    if (sinks.isPresent()) {
      q = Tensors.concat(List.of(q, sinkEntries(q)), -1);
      k = withSinkKey(k);
      v = Tensors.concat(List.of(v, zeros(v, 1, v.size(3))), 2);
    }
    if (v.size(3) < q.size(3)) {
      v = Tensors.concat(List.of(v, zeros(v, v.size(2), q.size(3) - v.size(3))), 3);
    }
    Tensor mixed = q.attend(k, v, mask(queries, keys), scale);
    return mixed.size(3) == values.size(3) ? mixed : mixed.narrow(3, 0, values.size(3));
  }

  /** An entry of each query that gives the sink's score with the key of {@link #withSinkKey}. */
  private Tensor sinkEntries(Tensor q) {
    Tensor scores = sinks.orElseThrow().to(q.dtype()).mul(1 / scale);
    return scores.reshape(1, -1, 1, 1).expand(q.size(0), q.size(1), q.size(2), 1);
  }

  /** Keys with a further entry that is zero, and a further key that has only this entry. */
  private static Tensor withSinkKey(Tensor k) {
    Tensor wider = Tensors.concat(List.of(k, zeros(k, k.size(2), 1)), 3);
    Tensor one = Tensors.full(1, k.dtype(), k.size(0), k.size(1), 1, 1);
    Tensor sink = Tensors.concat(List.of(zeros(k, 1, k.size(3)), one), 3);
    return Tensors.concat(List.of(wider, sink), 2);
  }

  private static Tensor zeros(Tensor like, long rows, long columns) {
    return Tensors.zeros(like.dtype(), like.size(0), like.size(1), rows, columns);
  }

  /** What is added to the scores, [queries, keys and sink]; empty if the causal mask is all. */
  private Optional<Tensor> mask(Tensor queries, Tensor keys) {
    long rows = queries.size(2);
    long columns = keys.size(2);
    boolean narrow = window.isPresent() && window.getAsLong() < columns;
    if (rows == columns && !narrow && sinks.isEmpty()) {
      return Optional.empty();
    }
    Tensor key = Tensors.range(columns, Dtype.F32).reshape(1, columns);
    Tensor query = Tensors.range(rows, Dtype.F32).add((double) (columns - rows)).reshape(rows, 1);
    Tensor distance = query.sub(key);
    Tensor mask =
        Tensors.zeros(queries.dtype(), rows, columns)
            .maskedFill(distance.mul(-1).greater(0), Double.NEGATIVE_INFINITY);
    if (narrow) {
      mask = mask.maskedFill(distance.greater(window.getAsLong() - 1.0), Double.NEGATIVE_INFINITY);
    }
    return Optional.of(
        sinks.isEmpty()
            ? mask
            : Tensors.concat(List.of(mask, Tensors.zeros(mask.dtype(), rows, 1)), 1));
  }
}
