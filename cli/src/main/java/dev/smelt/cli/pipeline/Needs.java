package dev.smelt.cli.pipeline;

import dev.smelt.compress.CompressionRun;
import dev.smelt.io.Dtype;
import dev.smelt.merge.LayerPlan;
import dev.smelt.merge.ReducePlan;
import dev.smelt.model.ModelCost;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Random;

/**
 * An estimate of what a reduction with given statistics, or a compression, needs.
 *
 * @param memoryBytes anonymous memory at the peak: members of a group in F32 with their scores, or
 *     an expert with its moments and the hidden states of all tokens
 * @param diskBytes bytes of the output's tensors
 * @param temporaryBytes bytes of a temporary file
 * @param milliseconds wall time on this machine, from a product that was timed just now
 */
record Needs(long memoryBytes, long diskBytes, long temporaryBytes, long milliseconds) {
  private static final int SIDE = 1024;
  private static final int SMALL = 256;

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
    return new Needs(BASE_BYTES + 6 * expertBytes + scores, disk, 0, Math.round(1000 * seconds));
  }

  /**
   * What a compression needs.
   *
   * @param model the source
   * @param forms how the experts of every layer will be stored
   * @param tokens calibration tokens
   * @param run what is done
   * @param disk bytes of the output's tensors
   */
  static Needs of(
      MoeModel model, List<CompactForm> forms, long tokens, CompressionRun run, long disk) {
    long hidden = model.architecture().hidden();
    long width = forms.stream().mapToLong(CompactForm::width).max().orElseThrow();
    long side = Math.max(hidden, width);
    long expert = 3 * width * hidden * Dtype.F32.bytes();
    long moments = tokens == 0 ? 0 : 4 * side * side * Dtype.F64.bytes();
    long states = 2 * tokens * hidden * Dtype.F32.bytes();
    double decomposed = 0;
    for (CompactForm form : forms) {
      for (var matrices : form.experts()) {
        for (MatrixForm m : matrices.matrices().values()) {
          double side2 = Math.min(m.rows(), m.columns());
          decomposed += m.rank() > 0 ? (double) m.rows() * m.columns() * side2 : 0;
        }
      }
    }
    double forward = tokens * ModelCost.of(model, forms, disk).flopsPerToken();
    double seconds =
        run.forwards() * forward / flopsPerSecond()
            + run.passes() * decomposed * secondsPerDecomposition()
            + disk / COPY_RATE;
    long memory = BASE_BYTES + states + 4 * expert + moments + gradients(forms, run, expert);
    return new Needs(memory, disk, run.temporaryBytes(tokens), Math.round(1000 * seconds));
  }

  /** Bytes of one layer's squared gradients, and about as much for its weights and gradients. */
  private static long gradients(List<CompactForm> forms, CompressionRun run, long expert) {
    int experts = forms.stream().mapToInt(form -> form.experts().size()).max().orElseThrow();
    return run.compressor().needsFisherBases() ? 2L * experts * expert : 0;
  }

  /** Seconds of a decomposition of a square matrix, by the cube of its side. */
  private static double secondsPerDecomposition() {
    try (var _ = Scope.open()) {
      double[] values = new Random(0).doubles((long) SMALL * SMALL).toArray();
      Tensor matrix = Tensors.ofDoubles(values, SMALL, SMALL).to(Dtype.F32);
      Linalg.singular(matrix).values().norm().item();
      long start = System.nanoTime();
      Linalg.singular(matrix).values().norm().item();
      return (System.nanoTime() - start) / 1e9 / Math.pow(SMALL, 3);
    }
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
