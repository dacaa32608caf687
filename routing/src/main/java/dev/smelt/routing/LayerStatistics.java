package dev.smelt.routing;

import dev.smelt.io.Dtype;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the router of one layer did on the calibration tokens. Arrays belong to the record and are
 * not to be modified; matrices are stored row by row.
 *
 * @param layer index of the decoder layer
 * @param experts number of experts E
 * @param tokens routed tokens T, without padding
 * @param routed tokens routed to each expert, [E]
 * @param gateSum sum of the gate values, [E]
 * @param gatedNormSum sum of gate value times norm of the expert's output, [E]
 * @param normSum sum of norms of the expert's output, [E]
 * @param gatedNormSquareSum sum of squares of gate value times norm, [E]
 * @param maxActivation largest absolute element of the expert's output, [E]
 * @param meanGatedOutput mean of gate value times output over the expert's routed tokens, [E, H];
 *     zero for an expert that was never routed
 * @param coactivation tokens routed to both of two experts, [E, E]; the diagonal is {@code routed}
 * @param logitGram sum over tokens of the products of router logits, [E, E]
 * @param logitGramCentred the same for logits less their mean over experts, [E, E]
 * @param transitions tokens by expert of the previous layer with experts (row) and of this layer
 *     (column), [E', E]; absent in the first such layer
 * @param sample some tokens with their router inputs and choices
 */
public record LayerStatistics(
    int layer,
    int experts,
    long tokens,
    long[] routed,
    double[] gateSum,
    double[] gatedNormSum,
    double[] normSum,
    double[] gatedNormSquareSum,
    float[] maxActivation,
    float[] meanGatedOutput,
    long[] coactivation,
    double[] logitGram,
    double[] logitGramCentred,
    Optional<long[]> transitions,
    Sample sample) {

  /** Checks the lengths. */
  public LayerStatistics {
    int square = experts * experts;
    check("routed", routed.length, experts);
    check("gateSum", gateSum.length, experts);
    check("gatedNormSum", gatedNormSum.length, experts);
    check("normSum", normSum.length, experts);
    check("gatedNormSquareSum", gatedNormSquareSum.length, experts);
    check("maxActivation", maxActivation.length, experts);
    check("coactivation", coactivation.length, square);
    check("logitGram", logitGram.length, square);
    check("logitGramCentred", logitGramCentred.length, square);
    check("meanGatedOutput", meanGatedOutput.length % experts, 0);
  }

  /** Statistics of a layer that has seen no token. */
  public static LayerStatistics empty(int layer, int experts) {
    int square = experts * experts;
    return new LayerStatistics(
        layer,
        experts,
        0,
        new long[experts],
        new double[experts],
        new double[experts],
        new double[experts],
        new double[experts],
        new float[experts],
        new float[0],
        new long[square],
        new double[square],
        new double[square],
        Optional.empty(),
        new Sample(Dtype.F32, new byte[0], new int[0], new float[0]));
  }

  private static void check(String field, int length, int expected) {
    if (length != expected) {
      throw new IllegalArgumentException(field + " has length " + length + ", not " + expected);
    }
  }

  /** Share of routed slots of each expert, [E]; sums to one. */
  public double[] frequency() {
    double slots = Arrays.stream(routed).sum();
    return Arrays.stream(routed).mapToDouble(count -> slots == 0 ? 0 : count / slots).toArray();
  }

  /** Entropy of the frequencies relative to that of equal use: 1 is perfectly balanced. */
  public double balance() {
    double entropy = -Arrays.stream(frequency()).filter(f -> f > 0).map(f -> f * Math.log(f)).sum();
    return experts == 1 ? 1 : entropy / Math.log(experts);
  }

  /** Frequency of the most used expert relative to equal use: 1 is perfectly balanced. */
  public double imbalance() {
    return Arrays.stream(frequency()).max().orElse(0) * experts;
  }

  /** Number of experts to which no token was routed. */
  public long dead() {
    return Arrays.stream(routed).filter(count -> count == 0).count();
  }

  /**
   * The same tokens in every layer, drawn with the seed.
   *
   * @param inputType type of the stored inputs: F32 or BF16
   * @param inputs router inputs, the raw bytes of [S, H] in little endian
   * @param experts chosen experts, [S, k]
   * @param gates their gate values, [S, k]
   */
  public record Sample(Dtype inputType, byte[] inputs, int[] experts, float[] gates) {}
}
