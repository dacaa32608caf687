package dev.smelt.compress;

import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.tensor.Tensor;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** Compares an expert with what became of it. */
final class ErrorMeter {
  private final Map<ExpertPart, double[]> weights = new EnumMap<>(ExpertPart.class);
  private final Map<ExpertPart, double[]> outputs = new EnumMap<>(ExpertPart.class);
  private final double[] output = new double[2];
  private final Expert original;
  private final Expert changed;
  private final Map<ExpertPart, Tensor> before;
  private final Map<ExpertPart, Tensor> after;

  /**
   * Compares weights.
   *
   * @param original F32
   * @param changed F32, of the same or another width
   */
  ErrorMeter(Expert original, Expert changed) {
    this.original = original;
    this.changed = changed;
    before = CompactExpert.matricesOf(original);
    after = CompactExpert.matricesOf(changed);
    before.forEach(
        (part, w) -> {
          if (isComparable(part)) {
            add(weights, part, w.sub(after.get(part)), w);
          }
        });
  }

  /** Compares outputs on tokens. */
  ErrorMeter on(ExpertInputs tokens) {
    tokens.forEach(this::add);
    return this;
  }

  private void add(ExpertInputs.Piece piece) {
    Tensor seen = piece.inputs();
    Tensor neurons = original.intermediate(seen);
    before.forEach(
        (part, w) -> {
          if (isComparable(part)) {
            Tensor inputs = part == ExpertPart.DOWN ? neurons : seen;
            add(outputs, part, inputs.linear(w.sub(after.get(part))), inputs.linear(w));
          }
        });
    Tensor expected = original.apply(seen);
    output[0] += squares(expected.sub(changed.apply(seen)).mul(piece.gates()));
    output[1] += squares(expected.mul(piece.gates()));
  }

  private boolean isComparable(ExpertPart part) {
    Tensor a = before.get(part);
    Tensor b = after.get(part);
    return a.size(0) == b.size(0) && a.size(1) == b.size(1);
  }

  private static void add(
      Map<ExpertPart, double[]> sums, ExpertPart part, Tensor difference, Tensor whole) {
    double[] sum = sums.computeIfAbsent(part, _ -> new double[2]);
    sum[0] += squares(difference);
    sum[1] += squares(whole);
  }

  private static double squares(Tensor values) {
    return values.square().sum().item();
  }

  /** Relative error of the weights of a matrix. */
  Optional<Double> weightError(ExpertPart part) {
    return Optional.ofNullable(weights.get(part)).flatMap(ErrorMeter::relative);
  }

  /** Relative error of the outputs of a matrix. */
  Optional<Double> outputError(ExpertPart part) {
    return Optional.ofNullable(outputs.get(part)).flatMap(ErrorMeter::relative);
  }

  /** Relative error of the gated output of the expert. */
  Optional<Double> outputError() {
    return relative(output);
  }

  private static Optional<Double> relative(double[] sums) {
    return sums[1] > 0 ? Optional.of(Math.sqrt(sums[0] / sums[1])) : Optional.empty();
  }
}
