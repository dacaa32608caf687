package dev.smelt.routing.train;

import dev.smelt.model.tensor.Tensor;
import java.util.List;

/** What is trained: some tensors, and the loss on batches that follow one after the other. */
public interface TrainingTask {
  /** The tensors that are trained, in place. */
  List<Tensor> parameters();

  /** Loss and gradients of the next batch; the tensors belong to the open scope. */
  Batch next();

  /** Leaves batches out, those of the steps that an earlier run has made. */
  void skip(int batches);

  /** Tensors beside the parameters that a run needs to go on; changed in place. */
  default List<Tensor> state() {
    return List.of();
  }

  /**
   * Is told that a step was made; may change the parameters.
   *
   * @param gradients of the step, limited
   */
  default void stepped(List<Tensor> gradients) {}

  /** Whether the weights as they are now may be the result of the training. */
  default boolean isCandidate() {
    return true;
  }

  /** The loss on held-out tokens. */
  double heldOut();

  /**
   * A batch.
   *
   * @param loss before the step
   * @param gradients of {@link #parameters}, in order
   * @param tokens of the batch
   */
  record Batch(double loss, List<Tensor> gradients, long tokens) {
    /** Copies the list. */
    public Batch {
      gradients = List.copyOf(gradients);
    }
  }
}
