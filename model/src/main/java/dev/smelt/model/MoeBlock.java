package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A router, its experts, and the expert that all tokens share.
 *
 * @param router decides; rows after those of the experts stand for experts that return their input
 * @param experts in the order of the router's rows
 * @param shared runs on every token, if there is one
 * @param weighting where gate values are applied
 */
public record MoeBlock(
    Router router, List<Expert> experts, Optional<SharedExpert> shared, Weighting weighting) {
  /** Where gate values are applied. */
  public enum Weighting {
    /** The output of an expert is multiplied with its gate value. */
    OUTPUT,
    /** The input of an expert is multiplied with its gate value. */
    INPUT
  }

  /** Most rows that pad an expert's batch. */
  private static final int MAX_PADDING = 256;

  /** Gate values on inputs count as this at least when outputs are divided by them. */
  private static final double MIN_GATE = 1e-30;

  /** Copies the list. */
  public MoeBlock {
    experts = List.copyOf(experts);
  }

  /** Gate values multiply outputs. */
  public MoeBlock(Router router, List<Expert> experts, Optional<SharedExpert> shared) {
    this(router, experts, shared, Weighting.OUTPUT);
  }

  /** The block with another router and other experts. */
  public MoeBlock with(Router otherRouter, List<Expert> otherExperts) {
    return new MoeBlock(otherRouter, otherExperts, shared, weighting);
  }

  /** The block without what all tokens share. */
  public MoeBlock routedOnly() {
    return new MoeBlock(router, experts, Optional.empty(), weighting);
  }

  /** The block's output for tokens [n, H]; only routed experts run. */
  public Tensor apply(Tensor input, int layer, MoeObserver observer) {
    Routing routing = router.route(input);
    observer.routed(layer, input, routing);
    Tensor routed = mix(input, routing, layer, observer);
    return shared.map(s -> s.join(routed, input)).orElse(routed);
  }

  /** The gated sum of the routed experts' outputs, [n, H]. */
  public Tensor mix(Tensor input, Routing routing, int layer, MoeObserver observer) {
    long tokens = input.size(0);
    long k = routing.experts().size(1);
    Tensor flat = routing.experts().reshape(-1);
    Tensor order = flat.argsort();
    Tensor slotTokens = order.floorDivide(k);
    long[] offsets = offsets(flat.binCount(router.experts()).toLongs());
    Tensor gates = routing.gates().reshape(-1).indexSelect(0, order);
    Tensor factors = gates.to(input.dtype()).unsqueeze(-1);
    Tensor outputs = outputs(input, slotTokens, offsets, factors);
    observer.computed(
        layer, new ExpertSlots(offsets, flat.indexSelect(0, order), slotTokens, gates, outputs));
    Tensor gated = outputs.mul(factors);
    return gated.indexSelect(0, order.argsort()).reshape(tokens, k, -1).sum(1);
  }

  /** What the gate values multiply: where they weight the input, the output divided by them. */
  private Tensor outputs(Tensor input, Tensor slotTokens, long[] offsets, Tensor factors) {
    return switch (weighting) {
      case OUTPUT -> run(input, slotTokens, offsets);
      case INPUT -> {
        Tensor weighted = input.indexSelect(0, slotTokens).mul(factors);
        Tensor slots = Tensors.range(slotTokens.size(0), Dtype.I64);
        yield run(weighted, slots, offsets).div(factors.clamp(MIN_GATE, 1));
      }
    };
  }

  private static long[] offsets(long[] counts) {
    long[] offsets = new long[counts.length + 1];
    for (int e = 0; e < counts.length; e++) {
      offsets[e + 1] = offsets[e] + counts[e];
    }
    return offsets;
  }

  private Tensor run(Tensor input, Tensor slotTokens, long[] offsets) {
    return Autograd.isRecording()
        ? runRecorded(input, slotTokens, offsets)
        : runPadded(input, slotTokens, offsets);
  }

  /**
   * Inputs and outputs of all slots are one buffer each. The rows after an expert's own belong to
   * the next expert: they pad its batch, and are overwritten when their own expert runs.
   */
  private Tensor runPadded(Tensor input, Tensor slotTokens, long[] offsets) {
    long slots = slotTokens.size(0);
    Tensor padding = Tensors.zeros(Dtype.I64, MAX_PADDING);
    Tensor sorted = input.indexSelect(0, Tensors.concat(List.of(slotTokens, padding), 0));
    Tensor outputs = Tensors.empty(input.dtype(), slots + MAX_PADDING, input.size(1));
    for (int e = 0; e < experts.size(); e++) {
      long count = offsets[e + 1] - offsets[e];
      if (count > 0) {
        long rows = padded(count, input.dtype());
        try (var _ = Scope.open()) {
          Tensor z = experts.get(e).intermediate(sorted.narrow(0, offsets[e], rows));
          Tensor target = outputs.narrow(0, offsets[e], rows);
          target.linearInto(z, experts.get(e).down());
          experts.get(e).biases().ifPresent(biases -> target.addInPlace(biases.down()));
        }
      }
    }
    long own = offsets[experts.size()];
    if (own < slots) {
      Tensor unchanged = outputs.narrow(0, own, slots - own);
      unchanged.copyFrom(sorted.narrow(0, own, slots - own));
    }
    return outputs.narrow(0, 0, slots);
  }

  /**
   * The rows that an expert's batch is padded to. bfloat16 products compile a kernel for each new
   * number of rows: eight sizes per power of two are few kernels for at most an eighth more work.
   */
  private static long padded(long count, Dtype dtype) {
    if (!dtype.equals(Dtype.BF16)) {
      return count;
    }
    long step = Math.clamp(Long.highestOneBit(count) / 8, 32, MAX_PADDING);
    return (count + step - 1) / step * step;
  }

  /**
   * The same with gradients: padding rows are computed and left out, so that their gradients are
   * zero.
   */
  private Tensor runRecorded(Tensor input, Tensor slotTokens, long[] offsets) {
    Tensor padding = Tensors.zeros(Dtype.I64, MAX_PADDING);
    Tensor sorted = input.indexSelect(0, Tensors.concat(List.of(slotTokens, padding), 0));
    List<Tensor> parts = new ArrayList<>();
    for (int e = 0; e < experts.size(); e++) {
      long count = offsets[e + 1] - offsets[e];
      if (count > 0) {
        Tensor own = sorted.narrow(0, offsets[e], padded(count, input.dtype()));
        parts.add(experts.get(e).apply(own).narrow(0, 0, count));
      }
    }
    long own = offsets[experts.size()];
    if (own < slotTokens.size(0)) {
      parts.add(sorted.narrow(0, own, slotTokens.size(0) - own));
    }
    return Tensors.concat(parts, 0);
  }
}
