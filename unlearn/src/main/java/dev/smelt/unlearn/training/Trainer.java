package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeModel;
import dev.smelt.model.export.TensorPatch;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.AdamW;
import dev.smelt.routing.train.RandomOrder;
import dev.smelt.unlearn.attribution.ExpertId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Trains a few weights of a model to forget: Adam on batches of both sets, a look at held-out
 * sequences every few steps, and the weights of the best look kept.
 *
 * <p>Memory: the layers from the first trained one on, the hidden states that enter it, the values
 * of one batch in these layers, and five F32 copies of the trained weights (weights, gradients, two
 * moments, the best).
 */
public final class Trainer implements AutoCloseable {
  /** Checks above the limit on the retain set after which there is no use in going on. */
  private static final int PATIENCE = 20;

  /**
   * The constants of Adam's paper (section 2) and of PyTorch; no decay, as the SEUF code has it.
   */
  private static final AdamW.Options ADAM =
      new AdamW.Options(0.9, 0.999, 1e-8, 0, AdamW.Scale.ABSOLUTE);

  private final Scope scope = Scope.open();
  private final MoeModel model;
  private final TrainOptions options;
  private final StopRule rule;
  private final TrainedWeights weights;
  private final Suffix suffix;
  private final List<AutoCloseable> owned = new ArrayList<>();
  private final TextPart forget;
  private final TextPart heldForget;
  private final Optional<TextPart> retain;
  private final Optional<TextPart> heldRetain;
  private final Objective objective;

  /**
   * Reads the layers that run, and computes everything that never changes.
   *
   * @param model the model; it must stay open
   * @param compute element type of the forward pass
   * @param batchTokens tokens that go through a frozen layer together
   * @param scale how much is trained
   * @param targets the target experts, at least one
   * @param data token ids
   * @param options how it is trained
   * @param rule when to stop
   */
  public Trainer(
      MoeModel model,
      Dtype compute,
      int batchTokens,
      Scale scale,
      List<ExpertId> targets,
      TrainData data,
      TrainOptions options,
      StopRule rule) {
    this.model = model;
    this.options = options;
    this.rule = data.retain().isPresent() ? rule : rule.withoutRetain();
    int target = targets.stream().mapToInt(ExpertId::layer).max().orElseThrow();
    try {
      weights = weights(scale, compute, targets);
      int first = options.recompute() ? 0 : Math.max(0, weights.firstLayer());
      suffix = new Suffix(weights, first, model.architecture().layers() - 1);
      InputMaker inputs = new InputMaker(compute, batchTokens, first);
      forget = inputs.part(data.forget().training());
      heldForget = inputs.part(data.forget().heldOut());
      retain = data.retain().map(split -> inputs.part(split.training()));
      heldRetain = data.retain().map(split -> inputs.part(split.heldOut()));
      References references =
          References.compute(
              suffix, options, target, model.architecture().hidden(), forget, retain);
      owned.add(references);
      LanguageHead untouched = model.head(compute);
      objective =
          new Objective(suffix, options, references, () -> anchor(targets), target, untouched);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Makes what enters the first layer that runs. */
  private final class InputMaker {
    private final Dtype compute;
    private final int batchTokens;
    private final int first;

    private InputMaker(Dtype compute, int batchTokens, int first) {
      this.compute = compute;
      this.batchTokens = batchTokens;
      this.first = first;
    }

    private TextPart part(List<int[]> sequences) {
      Inputs inputs =
          weights.firstLayer() < 0 && weights instanceof TensorWeights all
              ? new EmbeddedInputs(model, all::weights)
              : CachedInputs.compute(
                  model, compute, batchTokens, sequences, first, options.memoryLimit());
      owned.add(inputs);
      return new TextPart(sequences, inputs);
    }
  }

  private TrainedWeights weights(Scale scale, Dtype compute, List<ExpertId> targets) {
    return switch (scale) {
      case EXPERT -> {
        int lowest = targets.stream().mapToInt(ExpertId::layer).min().orElseThrow();
        yield new ExpertWeights(model, compute, targets, options.recompute() ? 0 : lowest);
      }
      case LAYER -> {
        if (targets.stream().mapToInt(ExpertId::layer).distinct().count() > 1) {
          throw SmeltException.usage(
              "--train layer: the targets " + targets + " are in several layers",
              "name targets of one layer");
        }
        yield TensorWeights.ofLayer(model, compute, targets.getFirst().layer());
      }
      case ALL -> TensorWeights.ofModel(model, compute);
    };
  }

  private Optional<AnchorObserver> anchor(List<ExpertId> targets) {
    return options.anchor() > 0
        ? Optional.of(new AnchorObserver(model.architecture().routing(), targets))
        : Optional.empty();
  }

  /** The weights as they are now. */
  public TrainedWeights weights() {
    return weights;
  }

  /** What has to be written for the weights as they are now; tensors belong to this trainer. */
  public List<TensorPatch> patches() {
    return weights.patches();
  }

  /** Bytes of the hidden states that are kept, and whether they are in a file. */
  public String cache() {
    long bytes = 0;
    boolean mapped = false;
    for (AutoCloseable part : owned) {
      if (part instanceof CachedInputs cached) {
        bytes += cached.store().bytes();
        mapped |= cached.store().isMapped();
      }
    }
    return bytes + " bytes " + (mapped ? "in a file" : "in memory");
  }

  /** Losses on the held-out sequences with the weights as they are now. */
  public HeldOut heldOut() {
    return new HeldOut(
        HeldOutLoss.of(suffix, heldForget, options.batch()),
        heldRetain.map(part -> HeldOutLoss.of(suffix, part, options.batch())));
  }

  /** Makes all steps, or as many as are needed; {@code watcher} is told each check. */
  public TrainResult run(Consumer<Check> watcher) {
    HeldOut before = heldOut();
    requireFinite(before);
    List<Check> checks = new ArrayList<>();
    checks.add(new Check(0, before, Terms.ZERO));
    watcher.accept(checks.getFirst());
    try (var _ = Scope.open()) {
      Best best = new Best(0, before, weights.masters().stream().map(Tensor::copy).toList());
      Steps steps = new Steps();
      Outcome outcome = Outcome.STEPS;
      int above = 0;
      while (outcome == Outcome.STEPS && steps.made < options.steps()) {
        Check check = steps.untilCheck();
        checks.add(check);
        watcher.accept(check);
        HeldOut now = check.heldOut();
        boolean diverged = isDiverged(check, before);
        if (!diverged && rule.isBetter(now, best.heldOut(), before)) {
          best = best.replaced(check, weights.masters());
        }
        above = rule.allows(now, before) ? 0 : above + 1;
        outcome = outcome(diverged, rule.isReached(now, before), above);
      }
      best.restore(weights.masters());
      weights.round();
      return new TrainResult(
          outcome, best.step(), before, heldOut(), checks, steps.seconds / Math.max(1, steps.made));
    }
  }

  private static Outcome outcome(boolean diverged, boolean reached, int above) {
    if (diverged) {
      return Outcome.DIVERGED;
    }
    if (reached) {
      return Outcome.REACHED;
    }
    return above >= PATIENCE ? Outcome.STALLED : Outcome.STEPS;
  }

  private void requireFinite(HeldOut before) {
    if (!before.isFinite()) {
      throw SmeltException.checkpoint(
          model.checkpoint().directory() + ": the loss is " + before.forget() + " from the start",
          "smelt verify MODEL names weights that are not finite");
    }
  }

  /** Not a number, or the retain set less likely than tokens drawn at random. */
  private boolean isDiverged(Check check, HeldOut before) {
    double chance = Math.log(model.architecture().vocabulary());
    HeldOut now = check.heldOut();
    boolean lost =
        now.retain()
            .map(loss -> loss > Math.max(chance, before.retain().orElseThrow() + 1))
            .orElse(false);
    return lost || !now.isFinite() || !Double.isFinite(check.training().objective());
  }

  /**
   * What is minimised on one batch of each set, and its gradients; in the open scope.
   *
   * @param terms the parts of the objective
   * @param gradients with respect to the trained weights, in order, contiguous
   */
  record Gradients(Terms terms, List<Tensor> gradients) {}

  /** Runs one batch of each set forwards and backwards, by the numbers of their sequences. */
  Gradients gradients(int[] forgetBatch, int[] retainBatch) {
    try (var recording = Autograd.record()) {
      Objective.Value value = objective.of(forget, forgetBatch, retain, retainBatch);
      List<Tensor> gradients =
          recording.gradients(value.total(), weights.masters()).stream()
              .map(Tensor::contiguous)
              .toList();
      return new Gradients(value.terms(), gradients);
    }
  }

  /** The steps of one run. */
  private final class Steps {
    private final AdamW adam = new AdamW(weights.masters(), ADAM);
    private final RandomOrder forgets = order(forget, options.seed());
    private final Optional<RandomOrder> retains =
        retain.map(part -> order(part, options.seed() + 1));
    private int made;
    private double seconds;

    private RandomOrder order(TextPart part, long seed) {
      int[] all = IntStream.range(0, part.sequences().size()).toArray();
      return new RandomOrder(all, options.batch(), seed);
    }

    /** Makes the steps up to the next check, and checks. */
    private Check untilCheck() {
      Terms sum = Terms.ZERO;
      int count = 0;
      long start = System.nanoTime();
      do {
        sum = sum.plus(step());
        made++;
        count++;
      } while (made % options.checkEvery() != 0 && made < options.steps());
      seconds += (System.nanoTime() - start) / 1e9;
      return new Check(made, heldOut(), sum.dividedBy(count));
    }

    private Terms step() {
      int[] forgetBatch = forgets.next();
      int[] retainBatch = retains.map(RandomOrder::next).orElse(new int[0]);
      try (var _ = Scope.open()) {
        Gradients found = gradients(forgetBatch, retainBatch);
        if (Double.isFinite(found.terms().objective())) {
          adam.step(clipped(found.gradients()), options.rate());
        }
        return found.terms();
      }
    }

    private List<Tensor> clipped(List<Tensor> gradients) {
      if (options.clip() == 0) {
        return gradients;
      }
      double square = gradients.stream().mapToDouble(g -> g.square().sum().item()).sum();
      double norm = Math.sqrt(square);
      return norm <= options.clip()
          ? gradients
          : gradients.stream().map(g -> g.mul(options.clip() / norm)).toList();
    }
  }

  /**
   * The best weights so far.
   *
   * @param step after which they were seen
   * @param heldOut their losses
   * @param copies the weights, overwritten by better ones
   */
  private record Best(int step, HeldOut heldOut, List<Tensor> copies) {
    private Best replaced(Check check, List<Tensor> masters) {
      for (int i = 0; i < copies.size(); i++) {
        copies.get(i).copyFrom(masters.get(i));
      }
      return new Best(check.step(), check.heldOut(), copies);
    }

    private void restore(List<Tensor> masters) {
      for (int i = 0; i < copies.size(); i++) {
        masters.get(i).copyFrom(copies.get(i));
      }
    }
  }

  @Override
  public void close() {
    for (AutoCloseable part : owned) {
      switch (part) {
        case Inputs inputs -> inputs.close();
        case References references -> references.close();
        default -> throw new IllegalStateException("nothing else is owned");
      }
    }
    owned.clear();
    scope.close();
  }
}
