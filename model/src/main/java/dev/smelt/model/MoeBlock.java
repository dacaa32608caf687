package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Parallel;
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
    return apply(input, router.route(input), layer, observer);
  }

  /** The block's output for tokens [n, H] that were routed, by whatever router. */
  public Tensor apply(Tensor input, Routing routing, int layer, MoeObserver observer) {
    observer.routed(layer, input, routing);
    Tensor routed = mix(input, routing, layer, observer);
    return shared.map(s -> s.join(routed, input)).orElse(routed);
  }

  /** The gated sum of the routed experts' outputs, [n, H]. */
  public Tensor mix(Tensor input, Routing routing, int layer, MoeObserver observer) {
    long k = routing.experts().size(1);
    SlotOrder order = SlotOrder.of(routing.experts(), router.experts());
    Tensor slotTokens = order.slots().floorDivide(k);
    Tensor gates = routing.gates().reshape(-1).indexSelect(0, order.slots());
    Tensor factors = gates.to(input.dtype()).unsqueeze(-1);
    Tensor outputs = outputs(input, slotTokens, order, factors);
    Tensor experts = routing.experts().reshape(-1).indexSelect(0, order.slots());
    observer.computed(layer, new ExpertSlots(order.offsets(), experts, slotTokens, gates, outputs));
    Tensor places = order.places().reshape(-1, k);
    return Autograd.isRecording()
        ? outputs.mul(factors).indexSelect(0, order.places()).reshape(-1, k, input.size(1)).sum(1)
        : outputs.weightedRows(places, routing.gates().to(input.dtype()));
  }

  /** What the gate values multiply: where they weight the input, the output divided by them. */
  private Tensor outputs(Tensor input, Tensor slotTokens, SlotOrder order, Tensor factors) {
    return switch (weighting) {
      case OUTPUT -> run(input, slotTokens, order);
      case INPUT -> {
        Tensor weighted = input.indexSelect(0, slotTokens).mul(factors);
        Tensor slots = Tensors.range(slotTokens.size(0), Dtype.I64);
        yield run(weighted, slots, order).div(factors.clamp(MIN_GATE, 1));
      }
    };
  }

  private Tensor run(Tensor input, Tensor slotTokens, SlotOrder order) {
    return Autograd.isRecording()
        ? runRecorded(input, slotTokens, order)
        : runInParallel(input, slotTokens, order);
  }

  /** Inputs and outputs of all slots are one buffer each; experts run side by side. */
  private Tensor runInParallel(Tensor input, Tensor slotTokens, SlotOrder order) {
    long slots = slotTokens.size(0);
    Tensor padding = Tensors.zeros(Dtype.I64, MAX_PADDING);
    Tensor sorted = input.indexSelect(0, Tensors.concat(List.of(slotTokens, padding), 0));
    Tensor outputs = Tensors.empty(input.dtype(), slots, input.size(1));
    int[] busy = order.busiestFirst(experts.size());
    Parallel.forEach(
        busy.length,
        i -> {
          int e = busy[i];
          long from = order.offsets()[e];
          long count = order.count(e);
          try (var _ = Scope.open()) {
            Tensor rows = sorted.narrow(0, from, padded(count, input.dtype()));
            runOne(experts.get(e), rows, outputs.narrow(0, from, count));
          }
        });
    long own = order.offsets()[experts.size()];
    if (own < slots) {
      Tensor unchanged = outputs.narrow(0, own, slots - own);
      unchanged.copyFrom(sorted.narrow(0, own, slots - own));
    }
    return outputs;
  }

  /** Runs an expert on rows of which only the first belong to it, as many as the target has. */
  private static void runOne(Expert expert, Tensor rows, Tensor target) {
    if (rows.size(0) != target.size(0)) {
      target.copyFrom(expert.apply(rows).narrow(0, 0, target.size(0)));
      return;
    }
    target.linearInto(expert.intermediate(rows), expert.down());
    expert.biases().ifPresent(biases -> target.addInPlace(biases.down()));
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
  private Tensor runRecorded(Tensor input, Tensor slotTokens, SlotOrder order) {
    Tensor padding = Tensors.zeros(Dtype.I64, MAX_PADDING);
    Tensor sorted = input.indexSelect(0, Tensors.concat(List.of(slotTokens, padding), 0));
    List<Tensor> parts = new ArrayList<>();
    for (int e = 0; e < experts.size(); e++) {
      long count = order.count(e);
      if (count > 0) {
        Tensor own = sorted.narrow(0, order.offsets()[e], padded(count, input.dtype()));
        parts.add(experts.get(e).apply(own).narrow(0, 0, count));
      }
    }
    long own = order.offsets()[experts.size()];
    if (own < slotTokens.size(0)) {
      parts.add(sorted.narrow(0, own, slotTokens.size(0) - own));
    }
    return Tensors.concat(parts, 0);
  }
}
