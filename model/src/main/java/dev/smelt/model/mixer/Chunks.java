package dev.smelt.model.mixer;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs a recurrence along dimension 1 (time) one chunk after the other: the state is all that one
 * chunk hands to the next.
 *
 * <p>Only one chunk's intermediate results are in memory at a time, unless gradients are recorded.
 */
final class Chunks {
  private Chunks() {}

  /** What happens in one chunk. */
  @FunctionalInterface
  interface Step {
    /** The results for the tokens from {@code start} on, and the state after them. */
    Result apply(Tensor state, long start, long length);
  }

  /**
   * The results of one chunk.
   *
   * @param output results of the chunk's tokens, with time as dimension 1
   * @param state state after its last token
   */
  record Result(Tensor output, Tensor state) {}

  /**
   * Runs all chunks.
   *
   * @param stateShape shape of the state, which is zero before the first token
   * @param outputShape shape of the result; dimension 1 is the number of tokens
   * @param chunk tokens in a chunk; the last one may have fewer
   * @return the outputs of all chunks
   */
  static Tensor run(Dtype dtype, long[] stateShape, long[] outputShape, long chunk, Step step) {
    Tensor state = Tensors.zeros(dtype, stateShape);
    return Autograd.isRecording()
        ? runRecorded(state, outputShape[1], chunk, step)
        : runInPlace(state, Tensors.empty(dtype, outputShape), chunk, step);
  }

  private static Tensor runInPlace(Tensor state, Tensor output, long chunk, Step step) {
    long length = output.size(1);
    for (long start = 0; start < length; start += chunk) {
      long count = Math.min(chunk, length - start);
      try (var _ = Scope.open()) {
        Result result = step.apply(state, start, count);
        output.narrow(1, start, count).copyFrom(result.output());
        state.copyFrom(result.state());
      }
    }
    return output;
  }

  private static Tensor runRecorded(Tensor initial, long length, long chunk, Step step) {
    List<Tensor> outputs = new ArrayList<>();
    Tensor state = initial;
    for (long start = 0; start < length; start += chunk) {
      Result result = step.apply(state, start, Math.min(chunk, length - start));
      outputs.add(result.output());
      state = result.state();
    }
    return Tensors.concat(outputs, 1);
  }
}
