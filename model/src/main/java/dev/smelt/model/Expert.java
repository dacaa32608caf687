package dev.smelt.model;

import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.BiFunction;

/**
 * A feed-forward network: {@code down * (activation(gate * x) . (up * x))}, with biases or without.
 *
 * @param gate [I, H]; the same tensor as {@code up} if the form has no gate
 * @param up [I, H]
 * @param down [H, I]
 * @param form activation, and whether there is a gate
 * @param biases biases of all projections, if there are any
 */
public record Expert(
    Tensor gate, Tensor up, Tensor down, ExpertForm form, Optional<Biases> biases) {
  /**
   * Biases of the projections.
   *
   * @param gate [I]
   * @param up [I]
   * @param down [H]
   */
  public record Biases(Tensor gate, Tensor up, Tensor down) {}

  /** A SwiGLU network without biases. */
  public Expert(Tensor gate, Tensor up, Tensor down) {
    this(gate, up, down, ExpertForm.SWIGLU, Optional.empty());
  }

  /** What enters the down projection: [n, H] to [n, I]. */
  public Tensor intermediate(Tensor input) {
    if (!form.gated()) {
      return form.activation().apply(input.linear(up));
    }
    Tensor g = biases.map(b -> input.linear(gate, b.gate())).orElseGet(() -> input.linear(gate));
    Tensor u = biases.map(b -> input.linear(up, b.up())).orElseGet(() -> input.linear(up));
    return form.activation().gate(g, u);
  }

  /** [n, H] to [n, H]. */
  public Tensor apply(Tensor input) {
    Tensor z = intermediate(input);
    return biases.map(b -> z.linear(down, b.down())).orElseGet(() -> z.linear(down));
  }

  /** All tensors of the expert by their part, in the order of {@link ExpertPart}. */
  public SequencedMap<ExpertPart, Tensor> parts() {
    SequencedMap<ExpertPart, Tensor> parts = new LinkedHashMap<>();
    if (form.gated()) {
      parts.put(ExpertPart.GATE, gate);
    }
    parts.put(ExpertPart.UP, up);
    parts.put(ExpertPart.DOWN, down);
    biases.ifPresent(
        b -> {
          parts.put(ExpertPart.GATE_BIAS, b.gate());
          parts.put(ExpertPart.UP_BIAS, b.up());
          parts.put(ExpertPart.DOWN_BIAS, b.down());
        });
    return parts;
  }

  /** An expert of the same form and with the same biases. */
  public Expert with(Tensor newGate, Tensor newUp, Tensor newDown) {
    return new Expert(form.gated() ? newGate : newUp, newUp, newDown, form, biases);
  }

  /** An expert of the same form made of what becomes of each tensor of {@link #parts}. */
  public Expert map(BiFunction<ExpertPart, Tensor, Tensor> change) {
    SequencedMap<ExpertPart, Tensor> changed = parts();
    changed.replaceAll(change);
    return with(changed);
  }

  /** The same function with neurons that give zero, up to a width; itself if it has the width. */
  public Expert padded(long width) {
    long missing = width - up.size(0);
    return missing == 0
        ? this
        : map((part, t) -> part.neuronDimension().isPresent() ? padded(part, t, missing) : t);
  }

  private static Tensor padded(ExpertPart part, Tensor tensor, long missing) {
    int dimension = part.neuronDimension().orElseThrow();
    long[] shape = tensor.shape();
    shape[dimension] = missing;
    return Tensors.concat(List.of(tensor, Tensors.zeros(tensor.dtype(), shape)), dimension);
  }

  /** An expert of the same form made of other tensors: all those of {@link #parts}. */
  public Expert with(Map<ExpertPart, Tensor> parts) {
    Tensor newUp = parts.get(ExpertPart.UP);
    return new Expert(
        form.gated() ? parts.get(ExpertPart.GATE) : newUp,
        newUp,
        parts.get(ExpertPart.DOWN),
        form,
        biases.map(
            _ ->
                new Biases(
                    parts.get(ExpertPart.GATE_BIAS),
                    parts.get(ExpertPart.UP_BIAS),
                    parts.get(ExpertPart.DOWN_BIAS))));
  }
}
