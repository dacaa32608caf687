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
 * @param router decides
 * @param experts in the order of the router's rows
 * @param shared runs on every token, if there is one
 */
public record MoeBlock(Router router, List<Expert> experts, Optional<SharedExpert> shared) {
  /** Rows of an expert's batch are padded to multiples of this, so that kernels are reused. */
  private static final int BUCKET = 64;

  /** Copies the list. */
  public MoeBlock {
    experts = List.copyOf(experts);
  }

  /** The block's output for tokens [n, H]; only routed experts run. */
  public Tensor apply(Tensor input, int layer, MoeObserver observer) {
    Routing routing = router.route(input);
    observer.routed(layer, input, routing);
    Tensor routed = mix(input, routing, layer, observer);
    return shared.map(s -> routed.add(s.apply(input))).orElse(routed);
  }

  /** The gated sum of the routed experts' outputs, [n, H]. */
  public Tensor mix(Tensor input, Routing routing, int layer, MoeObserver observer) {
    long tokens = input.size(0);
    long k = routing.experts().size(1);
    Tensor flat = routing.experts().reshape(-1);
    Tensor order = flat.argsort();
    Tensor slotTokens = order.floorDivide(k);
    long[] offsets = offsets(flat.binCount(experts.size()).toLongs());
    Tensor outputs = run(input, slotTokens, offsets);
    Tensor gates = routing.gates().reshape(-1).indexSelect(0, order);
    observer.computed(
        layer, new ExpertSlots(offsets, flat.indexSelect(0, order), slotTokens, gates, outputs));
    Tensor gated = outputs.mul(gates.to(outputs.dtype()).unsqueeze(-1));
    return gated.indexSelect(0, order.argsort()).reshape(tokens, k, -1).sum(1);
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
        ? runExactly(input, slotTokens, offsets)
        : runPadded(input, slotTokens, offsets);
  }

  /**
   * Inputs and outputs of all slots are one buffer each. The rows after an expert's own belong to
   * the next expert: they pad its batch, and are overwritten when their own expert runs.
   */
  private Tensor runPadded(Tensor input, Tensor slotTokens, long[] offsets) {
    long slots = slotTokens.size(0);
    Tensor padding = Tensors.zeros(Dtype.I64, BUCKET);
    Tensor sorted = input.indexSelect(0, Tensors.concat(List.of(slotTokens, padding), 0));
    Tensor outputs = Tensors.empty(input.dtype(), slots + BUCKET, input.size(1));
    for (int e = 0; e < experts.size(); e++) {
      long count = offsets[e + 1] - offsets[e];
      if (count > 0) {
        long rows = (count + BUCKET - 1) / BUCKET * BUCKET;
        try (var _ = Scope.open()) {
          Tensor z = experts.get(e).intermediate(sorted.narrow(0, offsets[e], rows));
          outputs.narrow(0, offsets[e], rows).linearInto(z, experts.get(e).down());
        }
      }
    }
    return outputs.narrow(0, 0, slots);
  }

  private Tensor runExactly(Tensor input, Tensor slotTokens, long[] offsets) {
    Tensor sorted = input.indexSelect(0, slotTokens);
    List<Tensor> parts = new ArrayList<>();
    for (int e = 0; e < experts.size(); e++) {
      long count = offsets[e + 1] - offsets[e];
      if (count > 0) {
        parts.add(experts.get(e).apply(sorted.narrow(0, offsets[e], count)));
      }
    }
    return Tensors.concat(parts, 0);
  }
}
