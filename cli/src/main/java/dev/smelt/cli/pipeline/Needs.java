package dev.smelt.cli.pipeline;

import dev.smelt.io.Dtype;
import dev.smelt.merge.LayerPlan;
import dev.smelt.merge.ReducePlan;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;

/**
 * An estimate of what a reduction with given statistics needs.
 *
 * @param memoryBytes anonymous memory at the peak: members of a group in F32 with their scores
 * @param diskBytes bytes of the output's tensors
 * @param milliseconds wall time on this machine, from a product that was timed just now
 */
record Needs(long memoryBytes, long diskBytes, long milliseconds) {
  private static final int SIDE = 1024;

  /** Bytes that the program and the matrix library take before any tensor. */
  private static final long BASE_BYTES = 400L << 20;

  /** Bytes per second at which a checkpoint is copied, synced and read back. */
  private static final double COPY_RATE = 4e8;

  static Needs of(ReductionTask task, ReducePlan plan) {
    MoeModel model = task.session().model();
    MoeLayer moe = model.moeLayers().getFirst();
    long width = moe.experts().width();
    long hidden = model.architecture().hidden();
    long expertBytes = 3 * width * hidden * Dtype.F32.bytes();
    boolean aligned = members(plan) > 0 && !"none".equals(plan.options().get("align"));
    long scores = aligned ? 4 * width * width * Dtype.F32.bytes() : 0;
    double flops = aligned ? members(plan) * 6.0 * width * width * hidden : 0;
    long disk = task.bytesAfter(plan);
    double seconds = flops / flopsPerSecond() + disk / COPY_RATE;
    return new Needs(BASE_BYTES + 6 * expertBytes + scores, disk, Math.round(1000 * seconds));
  }

  /** Experts that are aligned to another one. */
  private static long members(ReducePlan plan) {
    long members = 0;
    for (LayerPlan layer : plan.layers()) {
      members += layer.groups().stream().mapToInt(group -> group.members().size() - 1).sum();
    }
    return members;
  }

  /** The rate of a square F32 product, after one to warm up. */
  private static double flopsPerSecond() {
    try (var _ = Scope.open()) {
      Tensor a = Tensors.full(1, Dtype.F32, SIDE, SIDE);
      a.matmul(a).norm().item();
      long start = System.nanoTime();
      a.matmul(a).norm().item();
      return 2.0 * SIDE * SIDE * SIDE / ((System.nanoTime() - start) / 1e9);
    }
  }
}
