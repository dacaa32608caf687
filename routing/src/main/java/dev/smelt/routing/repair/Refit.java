package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.StateStore;
import dev.smelt.model.tensor.Parallel;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.TensorStore;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.model.tensor.Torch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
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
 * <p>Gram matrices and their eigenvectors do not change from sweep to sweep, nor do intermediate
 * values; both are computed once. Memory: the residual of all tokens (F32, [n, H]); the
 * intermediate values of the training tokens, and those of the held-out tokens ([I] for each token
 * and expert that it is sent to, of the type of the computation); and the eigenvectors (two
 * matrices [I, I] in F64 for each expert). Each of these three is in a temporary file instead when
 * it is larger than {@link StateStore#MEMORY_LIMIT}.
 */
public final class Refit implements AutoCloseable {
  private final MoeBlock block;
  private final RepairTokens tokens;
  private final RefitOptions options;
  private final List<Tensor> downs;
  private final Residual residual;
  private final double[] energy = new double[2];
  private final ExpertFeatures training;
  private final ExpertFeatures heldOut;
  private final TensorStore problems;

  private Refit(MoeBlock block, RepairTokens tokens, RefitOptions options) {
    this.block = block;
    this.tokens = tokens;
    this.options = options;
    downs = new ArrayList<>(block.experts().stream().map(e -> e.down().to(Dtype.F32)).toList());
    TokenSplit split = tokens.split();
    residual = new Residual(split.tokens(), block.router().weight().size(1));
    Tensor scales = Tensors.zeros(Dtype.F32, split.tokens(), 1);
    energy[0] = measure(split.training(), scales);
    energy[1] = measure(split.heldOut(), scales);
    training = ExpertFeatures.of(block, tokens, split.training(), scales);
    heldOut = ExpertFeatures.of(block, tokens, split.heldOut(), scales);
    problems = TensorStore.create(shapes(), Dtype.F64, StateStore.MEMORY_LIMIT);
  }

  /** Fills residual and scales (the roots of the weights) of some tokens; returns the energy. */
  private double measure(int[] some, Tensor scales) {
    MoeBlock routed = block.routedOnly();
    double[] sum = {0};
    tokens.forEach(
        some,
        piece -> {
          var rows = piece.rows();
          Tensor output = routed.apply(rows.inputs(), 0, MoeObserver.NONE).to(Dtype.F32);
          Tensor missing = rows.targets().to(Dtype.F32).sub(output);
          Tensor index = Tensors.ofInts(piece.tokens());
          Tensor scale = rows.weights().to(Dtype.F32).sqrt();
          scales.indexAddInPlace(index, scale);
          residual.add(index, missing.mul(scale));
          sum[0] += rows.targets().square().mul(rows.weights()).sum().item();
        });
    return sum[0];
  }

  private List<long[]> shapes() {
    return block.experts().stream()
        .map(e -> new long[] {2 * e.down().size(1) + 1, e.down().size(1)})
        .toList();
  }

  /**
   * Refits a block; the result's tensors belong to the open scope.
   *
   * @param block the experts that are left and their router
   * @param tokens inputs and targets
   */
  public static RefitResult refit(MoeBlock block, RepairTokens tokens, RefitOptions options) {
    try (var scope = Scope.open();
        var refit = new Refit(block, tokens, options)) {
      RefitResult result = refit.rounds() ? Torch.roundingFactors(refit::run) : refit.run();
      result.block().experts().forEach(expert -> scope.keep(expert.down()));
      return result;
    }
  }

  /** Whether features are BF16, so that products need not be more exact. */
  private boolean rounds() {
    return training.dtype().equals(Dtype.BF16);
  }

  private RefitResult run() {
    Parallel.forEach(downs.size(), this::prepare);
    double trainingBefore = residual.squares(tokens.split().training());
    double heldOutBefore = residual.squares(tokens.split().heldOut());
    int sweeps = sweeps(heldOutBefore);
    return new RefitResult(
        refitted(),
        relative(trainingBefore, energy[0]),
        relative(residual.squares(tokens.split().training()), energy[0]),
        relative(heldOutBefore, energy[1]),
        relative(residual.squares(tokens.split().heldOut()), energy[1]),
        sweeps,
        experts(e -> training.count(e) > 0 && isScarce(e)),
        experts(e -> training.count(e) == 0));
  }

  /** Sweeps until one gains too little; returns how many there were. */
  private int sweeps(double error) {
    double last = error;
    for (int sweep = 1; sweep <= options.sweeps(); sweep++) {
      double gain = sweep();
      last -= gain;
      if (gain <= options.leastGain() * last) {
        return sweep;
      }
    }
    return options.sweeps();
  }

  private static double relative(double error, double energy) {
    return energy > 0 ? error / energy : 0;
  }

  private List<Integer> experts(IntPredicate which) {
    return IntStream.range(0, block.experts().size()).filter(which).boxed().toList();
  }

  private boolean isScarce(int e) {
    return training.count(e) < training.width(e);
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

  /** Stores the problem of an expert that has tokens. */
  private void prepare(int e) {
    if (training.count(e) > 0) {
      try (var _ = Scope.open()) {
        problems.put(e, RidgeProblem.of(gram(e, training), gram(e, heldOut)).packed());
      }
    }
  }

  /** Sums of z z^T over an expert's tokens: products in F32, one per piece, added up in F64. */
  private Tensor gram(int e, ExpertFeatures features) {
    Tensor gram = Tensors.zeros(Dtype.F64, features.width(e), features.width(e));
    features.forEach(e, (_, z) -> gram.addInPlace(z.transpose(0, 1).matmul(z).to(Dtype.F64)));
    return gram;
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
    return experts(e -> training.count(e) > 0).stream()
        .sorted(Comparator.comparingInt((Integer e) -> -training.count(e)))
        .toList();
  }

  private double step(int e, Scope scope) {
    RidgeProblem problem = RidgeProblem.unpacked(problems.get(e));
    Optional<RidgeProblem.Step> best =
        problem.best(residual.cross(e, training), residual.cross(e, heldOut), ridges(e));
    best.ifPresent(
        step -> {
          Tensor change = step.change().to(Dtype.F32);
          downs.set(e, scope.keep(downs.get(e).add(change)));
          residual.subtract(e, change, List.of(training, heldOut));
        });
    return best.map(RidgeProblem.Step::gain).orElse(0.0);
  }

  /** The fewer tokens an expert has per unknown, the stronger its ridge. */
  private List<Double> ridges(int e) {
    double strength = Math.max(1, (double) training.width(e) / training.count(e));
    return options.ridges().stream().map(ridge -> ridge * strength).toList();
  }

  @Override
  public void close() {
    training.close();
    heldOut.close();
    problems.close();
  }
}
