package dev.smelt.routing;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.ExpertSlots;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.Routing;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.LayerStatistics.Sample;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Gathers the statistics of one layer while its batches pass, always in the same order of batches.
 *
 * <p>Sums over tokens are kept in F64.
 */
final class StatisticsCollector implements MoeObserver {
  private final int experts;
  private final int hidden;
  private final long[] samplePositions;
  private final List<long[]> previousChoices;
  private final int previousExperts;

  private final List<long[]> choices = new ArrayList<>();
  private final double[] gateSum;
  private final double[] gatedNormSum;
  private final double[] normSum;
  private final double[] gatedNormSquareSum;
  private final float[] maxActivation;
  private final double[] gatedOutputSum;
  private final long[] coactivation;
  private final double[] logitGram;
  private final long[] transitions;
  private final ByteArrayOutputStream sampleInputs = new ByteArrayOutputStream();
  private final List<Integer> sampleExperts = new ArrayList<>();
  private final List<Float> sampleGates = new ArrayList<>();
  private Dtype sampleType = Dtype.F32;
  private long tokens;

  /**
   * Starts a layer. Choices that stand for no weights, the rows of a router after those of the
   * experts, are not counted.
   *
   * @param experts number of experts
   * @param hidden size of the hidden state
   * @param samplePositions ascending positions, among all tokens, of those to sample
   * @param previous the collector of the previous layer with experts, if there is one
   */
  StatisticsCollector(
      int experts, int hidden, long[] samplePositions, Optional<StatisticsCollector> previous) {
    this.experts = experts;
    this.hidden = hidden;
    this.samplePositions = samplePositions;
    previousChoices = previous.map(p -> p.choices).orElse(List.of());
    previousExperts = previous.map(p -> p.experts).orElse(0);
    gateSum = new double[experts];
    gatedNormSum = new double[experts];
    normSum = new double[experts];
    gatedNormSquareSum = new double[experts];
    maxActivation = new float[experts];
    gatedOutputSum = new double[experts * hidden];
    coactivation = new long[experts * experts];
    logitGram = new double[experts * experts];
    transitions = new long[previousExperts * experts];
  }

  @Override
  public void routed(int layer, Tensor input, Routing routing) {
    try (var _ = Scope.open()) {
      long[] chosen = routing.experts().toLongs();
      int k = (int) routing.experts().size(1);
      addGram(routing.logits().narrow(1, 0, experts).to(Dtype.F64));
      countPairs(chosen, k);
      countTransitions(chosen, k);
      takeSample(input, chosen, routing.gates().toFloats(), k);
      choices.add(chosen);
      tokens += input.size(0);
    }
  }

  private void addGram(Tensor logits) {
    double[] gram = logits.transpose(0, 1).matmul(logits).toDoubles();
    for (int i = 0; i < gram.length; i++) {
      logitGram[i] += gram[i];
    }
  }

  private void countPairs(long[] chosen, int k) {
    for (int token = 0; token < chosen.length; token += k) {
      for (int a = token; a < token + k; a++) {
        for (int b = token; b < token + k; b++) {
          if (chosen[a] < experts && chosen[b] < experts) {
            coactivation[(int) (chosen[a] * experts + chosen[b])]++;
          }
        }
      }
    }
  }

  private void countTransitions(long[] chosen, int k) {
    if (previousExperts == 0) {
      return;
    }
    long[] before = previousChoices.get(choices.size());
    int kBefore = (int) ((long) before.length * k / chosen.length);
    for (int token = 0; token < chosen.length / k; token++) {
      for (int a = token * kBefore; a < (token + 1) * kBefore; a++) {
        for (int b = token * k; b < (token + 1) * k; b++) {
          if (before[a] < previousExperts && chosen[b] < experts) {
            transitions[(int) (before[a] * experts + chosen[b])]++;
          }
        }
      }
    }
  }

  private void takeSample(Tensor input, long[] chosen, float[] gates, int k) {
    long count = input.size(0);
    long[] rows =
        Arrays.stream(samplePositions)
            .filter(position -> position >= tokens && position < tokens + count)
            .map(position -> position - tokens)
            .toArray();
    if (rows.length == 0) {
      return;
    }
    sampleType = input.dtype();
    Tensor picked = input.indexSelect(0, Tensors.ofLongs(rows, rows.length));
    sampleInputs.writeBytes(picked.memory().toArray(ValueLayout.JAVA_BYTE));
    for (long row : rows) {
      for (int slot = (int) row * k; slot < (row + 1) * k; slot++) {
        sampleExperts.add((int) chosen[slot]);
        sampleGates.add(gates[slot]);
      }
    }
  }

  @Override
  public void computed(int layer, ExpertSlots slots) {
    float[] gates = slots.gates().toFloats();
    Parallel.forEach(experts, e -> add(e, slots, gates));
  }

  private void add(int e, ExpertSlots slots, float[] gates) {
    int from = (int) slots.offsets()[e];
    int count = (int) slots.offsets()[e + 1] - from;
    if (count > 0) {
      try (var _ = Scope.open()) {
        Tensor outputs = slots.outputs().narrow(0, from, count).to(Dtype.F32);
        addNorms(e, outputs.norm(-1).toFloats(), gates, from);
        addOutputs(e, outputs, slots.gates().narrow(0, from, count).to(Dtype.F32));
      }
    }
  }

  private void addNorms(int e, float[] norms, float[] gates, int from) {
    for (int i = 0; i < norms.length; i++) {
      double gate = gates[from + i];
      double gatedNorm = gate * norms[i];
      gateSum[e] += gate;
      normSum[e] += norms[i];
      gatedNormSum[e] += gatedNorm;
      gatedNormSquareSum[e] += gatedNorm * gatedNorm;
    }
  }

  private void addOutputs(int e, Tensor outputs, Tensor gates) {
    maxActivation[e] = Math.max(maxActivation[e], (float) outputs.maxAbs());
    float[] sum = outputs.transpose(0, 1).matmul(gates).toFloats();
    for (int i = 0; i < hidden; i++) {
      gatedOutputSum[e * hidden + i] += sum[i];
    }
  }

  /** Statistics of weights that are not sound would spoil everything that is made of them. */
  private void requireFinite(int layer, String what, double[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw SmeltException.checkpoint(
            "layer %d, expert %d: %s became NaN or infinite".formatted(layer, i % experts, what),
            "smelt verify MODEL names weights that are not finite");
      }
    }
  }

  /** The statistics of the layer after its last batch. */
  LayerStatistics finish(int layer) {
    requireFinite(layer, "the router logits", logitGram);
    requireFinite(layer, "the output", gatedNormSquareSum);
    long[] routed = new long[experts];
    Arrays.setAll(routed, e -> coactivation[e * experts + e]);
    float[] meanGatedOutput = new float[experts * hidden];
    for (int i = 0; i < meanGatedOutput.length; i++) {
      long count = routed[i / hidden];
      meanGatedOutput[i] = count == 0 ? 0 : (float) (gatedOutputSum[i] / count);
    }
    return new LayerStatistics(
        layer,
        experts,
        tokens,
        routed,
        gateSum,
        gatedNormSum,
        normSum,
        gatedNormSquareSum,
        maxActivation,
        meanGatedOutput,
        coactivation,
        logitGram,
        centred(logitGram, experts),
        previousExperts == 0 ? Optional.empty() : Optional.of(transitions),
        sample());
  }

  private Sample sample() {
    float[] gates = new float[sampleGates.size()];
    for (int i = 0; i < gates.length; i++) {
      gates[i] = sampleGates.get(i);
    }
    int[] chosen = sampleExperts.stream().mapToInt(Integer::intValue).toArray();
    return new Sample(sampleType, sampleInputs.toByteArray(), chosen, gates);
  }

  /** P G P with P = I - 11'/E: the Gram matrix of rows less their mean. */
  static double[] centred(double[] gram, int n) {
    double[] rowMean = new double[n];
    double mean = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        rowMean[i] += gram[i * n + j] / n;
      }
      mean += rowMean[i] / n;
    }
    double[] centred = new double[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        centred[i * n + j] = gram[i * n + j] - rowMean[i] - rowMean[j] + mean;
      }
    }
    return centred;
  }
}
