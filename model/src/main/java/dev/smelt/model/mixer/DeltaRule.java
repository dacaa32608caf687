package dev.smelt.model.mixer;

import dev.smelt.model.mixer.Chunks.Result;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;

/**
 * The gated delta rule in chunks: a memory that fades, and in which each token corrects what is
 * stored under its key.
 *
 * <p>Per head and token: {@code S = diag(exp(g)) S}, {@code d = beta (v - S^T k)}, {@code S = S + k
 * d^T}, {@code y = S^T q}. Inside a chunk the corrections d depend on each other through a unit
 * lower triangular system (the WY form: Yang et al., 2024, Gated Delta Networks, section 3.3; for a
 * decay per channel Kimi Team, 2025, Kimi Linear, section 3). Solving it once for the values and
 * once for the keys leaves matrix products, and only S goes from chunk to chunk.
 */
final class DeltaRule {
  private static final long CHUNK = 64;
  private static final double NORM_EPSILON = 1e-6;

  private final Tensor queries;
  private final Tensor keys;
  private final Tensor values;
  private final Tensor logDecays;
  private final Tensor strengths;

  private DeltaRule(
      Tensor queries, Tensor keys, Tensor values, Tensor logDecays, Tensor strengths) {
    this.queries = queries;
    this.keys = keys;
    this.values = values;
    this.logDecays = logDecays;
    this.strengths = strengths;
  }

  /**
   * Runs the rule from an empty memory. Queries and keys are scaled to length one, and queries by
   * the square root of their size.
   *
   * @param queries [B, T, heads, k], F32 or F64
   * @param keys [B, T, heads, k]
   * @param values [B, T, heads, v]
   * @param logDecays g, at most zero: [B, T, heads, k] for a decay per channel, [B, T, heads, 1]
   *     for one per head
   * @param strengths beta: [B, T, heads, 1]
   * @return [B, T, heads, v]
   */
  static Tensor apply(
      Tensor queries, Tensor keys, Tensor values, Tensor logDecays, Tensor strengths) {
    return new DeltaRule(queries, keys, values, logDecays, strengths).run();
  }

  private Tensor run() {
    long[] state = {values.size(0), values.size(2), keys.size(3), values.size(3)};
    return Chunks.run(values.dtype(), state, values.shape(), CHUNK, this::step);
  }

  private Result step(Tensor state, long start, long length) {
    Tensor k = unit(chunk(keys, start, length));
    Tensor q = unit(chunk(queries, start, length)).mul(1 / Math.sqrt((double) keys.size(3)));
    Tensor beta = chunk(strengths, start, length);
    Tensor sums = chunk(logDecays, start, length).cumulativeSum(-2);
    Tensor faded = sums.exp();
    Tensor last = Decay.last(sums);

    // What the corrections are: from the values, and from what the memory had before the chunk.
    DecayedScores scores = DecayedScores.of(q, k, sums);
    Tensor system = scores.keys().mul(beta);
    Tensor wanted = chunk(values, start, length).mul(beta);
    Tensor recalled = k.mul(faded).mul(beta);
    Tensor solved = Linalg.unitLowerSolve(system, Tensors.concat(List.of(wanted, recalled), -1));
    Tensor fromValues = solved.narrow(-1, 0, values.size(3));
    Tensor fromMemory = solved.narrow(-1, values.size(3), keys.size(3));
    Tensor corrections = fromValues.sub(fromMemory.matmul(state));

    Tensor output = q.mul(faded).matmul(state).add(scores.queries().matmul(corrections));
    Tensor fading = k.mul(last.sub(sums).exp()).transpose(2, 3);
    Tensor next = state.mul(last.exp().transpose(2, 3)).add(fading.matmul(corrections));
    return new Result(output.transpose(1, 2), next);
  }

  /** [B, T, heads, c] to the tokens of a chunk, [B, heads, n, c]. */
  private static Tensor chunk(Tensor all, long start, long length) {
    return all.narrow(1, start, length).transpose(1, 2);
  }

  private static Tensor unit(Tensor vectors) {
    Tensor squares = vectors.square().sum(-1).unsqueeze(-1);
    return vectors.mul(squares.add(NORM_EPSILON).rsqrt());
  }
}
