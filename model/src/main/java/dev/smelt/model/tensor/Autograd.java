package dev.smelt.model.tensor;

import java.util.List;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Recording of gradients while it is open; elsewhere no gradients are recorded.
 *
 * <pre>{@code
 * try (var recording = Autograd.record()) {
 *   Tensor loss = ...;
 *   List<Tensor> gradients = recording.gradients(loss, parameters);
 * }
 * }</pre>
 */
public final class Autograd implements AutoCloseable {
  private final boolean before;

  private Autograd() {
    Torch.initialise();
    before = Torch.setGradientsEnabled(true);
  }

  /** Starts recording on this thread. */
  public static Autograd record() {
    return new Autograd();
  }

  /** Whether gradients are being recorded on this thread. */
  public static boolean isRecording() {
    return GradMode.is_enabled();
  }

  /** Makes a tensor one whose gradient can be asked for. */
  public static void require(Tensor parameter) {
    parameter.at().set_requires_grad(true);
  }

  /** The gradients of a loss without dimensions with respect to parameters; frees the graph. */
  public List<Tensor> gradients(Tensor loss, List<Tensor> parameters) {
    return gradients(loss, parameters, false);
  }

  /** The same with respect to some of the parameters; the graph stays, for those of others. */
  public List<Tensor> someGradients(Tensor loss, List<Tensor> parameters) {
    return gradients(loss, parameters, true);
  }

  private static List<Tensor> gradients(Tensor loss, List<Tensor> parameters, boolean keepGraph) {
    TensorVector gradients =
        torch.grad(
            Tensors.vector(List.of(loss)),
            Tensors.vector(parameters),
            new TensorVector(),
            new BoolOptional(keepGraph),
            false,
            true);
    return java.util.stream.IntStream.range(0, parameters.size())
        .mapToObj(i -> gradient(gradients.get(i), parameters.get(i)))
        .toList();
  }

  /** A parameter that the loss does not depend on has an undefined gradient, which is zero. */
  private static Tensor gradient(org.bytedeco.pytorch.Tensor gradient, Tensor parameter) {
    return gradient.defined()
        ? new Tensor(new org.bytedeco.pytorch.Tensor(gradient))
        : Tensors.zeros(parameter.dtype(), parameter.shape());
  }

  @Override
  public void close() {
    Torch.setGradientsEnabled(before);
  }
}
