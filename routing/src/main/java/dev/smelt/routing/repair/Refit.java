package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.tensor.Linalg;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Refits the down projections of all experts of a layer jointly, in closed form: ridge regression
 * of the layer's targets on the gated intermediate values, expert by expert on the residual that
 * the others leave (block coordinate descent), in a few sweeps.
 *
 * <p>The step of one expert minimises {@code sum ||r - g D z||^2 + ridge * ||D||^2} over the change
 * D of its down projection, where r is what is missing now. Each step takes the ridge, out of a
 * few, with which held-out tokens gain most, and is left out if they do not gain with any; so
 * neither the training error nor the held-out error ever rises.
 *
 * <p>Memory: the residual of all tokens (F32, [n, H]), two F64 Gram matrices of one expert, 8 bytes
 * per routed token, 4 per token, and one piece of tokens. Intermediate values are computed again
 * when needed.
 */
public final class Refit {
  private final MoeBlock block;
  private final RepairTokens tokens;
  private final RefitOptions options;
  private final List<Tensor> downs;
  private final List<ExpertTokens> training;
  private final List<ExpertTokens> heldOut;
  private final Tensor residual;
  private final Tensor scales;

  private Refit(MoeBlock block, RepairTokens tokens, RefitOptions options) {
    this.block = block;
    this.tokens = tokens;
    this.options = options;
    downs = new ArrayList<>(block.experts().stream().map(e -> e.down().to(Dtype.F32)).toList());
    training = ExpertTokens.route(block, tokens, tokens.split().training());
    heldOut = ExpertTokens.route(block, tokens, tokens.split().heldOut());
    residual = Tensors.zeros(Dtype.F32, tokens.split().tokens(), block.router().weight().size(1));
    scales = Tensors.zeros(Dtype.F32, tokens.split().tokens(), 1);
  }

  /**
   * Refits a block; the result's tensors belong to the open scope.
   *
   * @param block the experts that are left and their router
   * @param tokens inputs and targets
   */
  public static RefitResult refit(MoeBlock block, RepairTokens tokens, RefitOptions options) {
    try (var scope = Scope.open()) {
      RefitResult result = new Refit(block, tokens, options).run();
      result.block().experts().forEach(expert -> scope.keep(expert.down()));
      return result;
    }
  }

  private RefitResult run() {
    double[] energy = {0, 0};
    energy[0] = measure(tokens.split().training());
    energy[1] = measure(tokens.split().heldOut());
    double trainingBefore = error(tokens.split().training());
    double heldOutBefore = error(tokens.split().heldOut());
    double last = heldOutBefore;
    int sweep = 0;
    while (sweep < options.sweeps()) {
      sweep++;
      double gain = sweep();
      last -= gain;
      if (gain <= options.leastGain() * last) {
        break;
      }
    }
    return new RefitResult(
        refitted(),
        relative(trainingBefore, energy[0]),
        relative(error(tokens.split().training()), energy[0]),
        relative(heldOutBefore, energy[1]),
        relative(error(tokens.split().heldOut()), energy[1]),
        sweep,
        experts(e -> training.get(e).count() > 0 && isScarce(e)),
        experts(e -> training.get(e).count() == 0));
  }

  private static double relative(double error, double energy) {
    return energy > 0 ? error / energy : 0;
  }

  private List<Integer> experts(IntPredicate which) {
    return IntStream.range(0, block.experts().size()).filter(which).boxed().toList();
  }

  private boolean isScarce(int e) {
    return training.get(e).count() < block.experts().get(e).down().size(1);
  }

  private MoeBlock refitted() {
    List<Expert> experts = new ArrayList<>();
    for (int e = 0; e < downs.size(); e++) {
      Expert expert = block.experts().get(e);
      Tensor down = downs.get(e).to(expert.down().dtype());
      experts.add(expert.with(expert.gate(), expert.up(), down));
    }
    return block.with(block.router(), experts);
  }

  /** Fills residual and scales (the roots of the weights) of some tokens; returns the energy. */
  private double measure(int[] some) {
    MoeBlock routed = block.routedOnly();
    double[] energy = {0};
    tokens.forEach(
        some,
        piece -> {
          var rows = piece.rows();
          Tensor output = routed.apply(rows.inputs(), 0, MoeObserver.NONE).to(Dtype.F32);
          Tensor missing = rows.targets().to(Dtype.F32).sub(output);
          Tensor index = Tensors.ofInts(piece.tokens());
          Tensor scale = rows.weights().to(Dtype.F32).sqrt();
          scales.indexAddInPlace(index, scale);
          residual.indexAddInPlace(index, missing.mul(scale).contiguous());
          energy[0] += rows.targets().square().mul(rows.weights()).sum().item();
        });
    return energy[0];
  }

  private double error(int[] some) {
    double sum = 0;
    for (int from = 0; from < some.length; from += RepairTokens.PIECE) {
      int to = Math.min(some.length, from + RepairTokens.PIECE);
      try (var _ = Scope.open()) {
        int[] piece = Arrays.copyOfRange(some, from, to);
        Tensor rows = residual.indexSelect(0, Tensors.ofInts(piece));
        sum += rows.to(Dtype.F64).square().sum().item();
      }
    }
    return sum;
  }

  /** One pass over the experts; returns by how much the held-out error fell. */
  private double sweep() {
    double gain = 0;
    for (int e : busiestFirst()) {
      try (var scope = Scope.open()) {
        gain += step(e, scope);
      }
    }
    return gain;
  }

  /** Experts that have tokens; the order does not depend on how experts are numbered. */
  private List<Integer> busiestFirst() {
    return experts(e -> training.get(e).count() > 0).stream()
        .sorted(Comparator.comparingInt((Integer e) -> -training.get(e).count()))
        .toList();
  }

  private double step(int e, Scope scope) {
    Normal learnt = normal(e, training.get(e));
    Normal judge = normal(e, heldOut.get(e));
    double diagonal = learnt.gram().mul(identity(learnt.width())).sum().item() / learnt.width();
    OptionalInt best = OptionalInt.empty();
    double bestGain = 0;
    Tensor bestChange = learnt.cross();
    for (int i = 0; i < options.ridges().size(); i++) {
      double ridge = options.ridges().get(i) * diagonal * strength(e, learnt.width());
      Tensor change = learnt.solve(ridge);
      double gain = judge.gain(change);
      if (gain > bestGain) {
        best = OptionalInt.of(i);
        bestGain = gain;
        bestChange = change;
      }
    }
    if (best.isPresent()) {
      Tensor change = bestChange.to(Dtype.F32);
      downs.set(e, scope.keep(downs.get(e).add(change)));
      subtract(e, training.get(e), change);
      subtract(e, heldOut.get(e), change);
    }
    return bestGain;
  }

  /** The fewer tokens an expert has per unknown, the stronger its ridge. */
  private double strength(int e, long width) {
    return Math.max(1, (double) width / training.get(e).count());
  }

  private static Tensor identity(long size) {
    return Tensors.oneHot(Tensors.range(size, Dtype.I64), size).to(Dtype.F64);
  }

  /** Sums over an expert's tokens: products in F32, one per piece, added up in F64. */
  private Normal normal(int e, ExpertTokens routed) {
    long width = block.experts().get(e).down().size(1);
    Tensor gram = Tensors.zeros(Dtype.F64, width, width);
    Tensor cross = Tensors.zeros(Dtype.F64, width, residual.size(1));
    forEachPiece(
        e,
        routed,
        (index, features) -> {
          Tensor columns = features.transpose(0, 1);
          gram.addInPlace(columns.matmul(features).to(Dtype.F64));
          cross.addInPlace(columns.matmul(residual.indexSelect(0, index)).to(Dtype.F64));
        });
    return new Normal(gram, cross);
  }

  private void subtract(int e, ExpertTokens routed, Tensor change) {
    forEachPiece(
        e,
        routed,
        (index, features) -> residual.indexAddInPlace(index, features.linear(change).mul(-1)));
  }

  /** Work on an expert's tokens and their gated, weighted intermediate values, F32, [n, I]. */
  private interface FeatureWork {
    void accept(Tensor index, Tensor features);
  }

  private void forEachPiece(int e, ExpertTokens routed, FeatureWork work) {
    for (int from = 0; from < routed.count(); from += RepairTokens.PIECE) {
      int to = Math.min(routed.count(), from + RepairTokens.PIECE);
      try (var _ = Scope.open()) {
        ExpertTokens piece = routed.slice(from, to);
        Tensor index = Tensors.ofInts(piece.tokens());
        Tensor features = gated(block.experts().get(e), piece).to(Dtype.F32);
        work.accept(index, features.mul(scales.indexSelect(0, index)));
      }
    }
  }

  /** What the down projection is applied to, with the gate values in it. */
  private Tensor gated(Expert expert, ExpertTokens piece) {
    Tensor inputs = tokens.inputs(piece.tokens());
    return switch (block.weighting()) {
      case OUTPUT -> expert.intermediate(inputs).to(Dtype.F32).mul(piece.gateColumn());
      case INPUT -> expert.intermediate(inputs.mul(piece.gateColumn().to(inputs.dtype())));
    };
  }

  /**
   * The normal equations of one expert.
   *
   * @param gram sums of z z^T, F64, [I, I]
   * @param cross sums of z r^T, F64, [I, H]
   */
  private record Normal(Tensor gram, Tensor cross) {
    private long width() {
      return gram.size(0);
    }

    /** The change of the down projection [H, I] with this ridge. */
    private Tensor solve(double ridge) {
      Tensor lower = Linalg.cholesky(gram.addScaled(identity(width()), ridge));
      return Linalg.choleskySolve(lower, cross).transpose(0, 1);
    }

    /** By how much a change lowers the sum of squares. */
    private double gain(Tensor change) {
      double linear = change.mul(cross.transpose(0, 1)).sum().item();
      return 2 * linear - change.matmul(gram).mul(change).sum().item();
    }
  }
}
