package dev.smelt.unlearn.training;

import dev.smelt.model.StateStore;
import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.loss.RetainTerm;
import dev.smelt.unlearn.loss.UnlearnLoss;

/**
 * How a model is trained to forget.
 *
 * @param loss what is minimised
 * @param constants of the loss
 * @param retainTerm the retain term of losses over likelihoods
 * @param anchor factor on the router anchor; 0 for none
 * @param rate learning rate of Adam
 * @param clip bound on the Euclidean norm of all gradients together; 0 for none
 * @param steps steps at most
 * @param batch sequences of each set in a step
 * @param checkEvery steps between two looks at the held-out sequences
 * @param seed of the order of the sequences and of rmu's direction
 * @param memoryLimit bytes of hidden states above which they are in a file
 * @param recompute whether all layers run in every step, as they would without the cache
 */
public record TrainOptions(
    UnlearnLoss loss,
    LossConstants constants,
    RetainTerm retainTerm,
    double anchor,
    double rate,
    double clip,
    int steps,
    int batch,
    int checkEvery,
    long seed,
    long memoryLimit,
    boolean recompute) {
  /** The learning rate of the paper. */
  public static final double RATE = 1e-4;

  /** Bound on the norm of the gradients unless the user says otherwise. */
  public static final double CLIP = 1;

  /** The paper's numbers with the defaults of a loss. */
  public static TrainOptions of(UnlearnLoss loss) {
    return new TrainOptions(
        loss,
        loss.defaults(),
        RetainTerm.NLL,
        1,
        RATE,
        CLIP,
        500,
        8,
        10,
        0,
        StateStore.MEMORY_LIMIT,
        false);
  }

  /** The same with other constants. */
  public TrainOptions with(LossConstants other) {
    return new TrainOptions(
        loss,
        other,
        retainTerm,
        anchor,
        rate,
        clip,
        steps,
        batch,
        checkEvery,
        seed,
        memoryLimit,
        recompute);
  }

  /** The same with another anchor. */
  public TrainOptions withAnchor(double other) {
    return new TrainOptions(
        loss,
        constants,
        retainTerm,
        other,
        rate,
        clip,
        steps,
        batch,
        checkEvery,
        seed,
        memoryLimit,
        recompute);
  }

  /** The same with another retain term. */
  public TrainOptions with(RetainTerm other) {
    return new TrainOptions(
        loss,
        constants,
        other,
        anchor,
        rate,
        clip,
        steps,
        batch,
        checkEvery,
        seed,
        memoryLimit,
        recompute);
  }

  /** The same with another length: learning rate, steps, sequences in a step, steps per check. */
  public TrainOptions with(double newRate, int newSteps, int newBatch, int newCheckEvery) {
    return new TrainOptions(
        loss,
        constants,
        retainTerm,
        anchor,
        newRate,
        clip,
        newSteps,
        newBatch,
        newCheckEvery,
        seed,
        memoryLimit,
        recompute);
  }

  /** The same with another bound on gradients, seed, and bound on memory. */
  public TrainOptions with(double newClip, long newSeed, long newMemoryLimit) {
    return new TrainOptions(
        loss,
        constants,
        retainTerm,
        anchor,
        rate,
        newClip,
        steps,
        batch,
        checkEvery,
        newSeed,
        newMemoryLimit,
        recompute);
  }

  /** The same with all layers run in every step. */
  public TrainOptions recomputing() {
    return new TrainOptions(
        loss,
        constants,
        retainTerm,
        anchor,
        rate,
        clip,
        steps,
        batch,
        checkEvery,
        seed,
        memoryLimit,
        true);
  }
}
