package dev.smelt.model.mixer;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Optional;

/**
 * A short convolution along time, each channel on its own; a token sees itself and the tokens
 * before.
 *
 * @param weight [channels, 1, width], F32 or F64; the last entry is for the token itself
 * @param bias [channels], if there is one
 */
record CausalConvolution(Tensor weight, Optional<Tensor> bias) {

  /** Convolves [B, T, channels], in the type of the weight. */
  Tensor apply(Tensor input) {
    Dtype dtype = weight.dtype();
    long width = weight.size(2);
    long length = input.size(1);
    Tensor padding = Tensors.zeros(dtype, input.size(0), width - 1, input.size(2));
    Tensor padded = Tensors.concat(List.of(padding, input.to(dtype)), 1);
    Tensor sum = padded.narrow(1, 0, length).mul(tap(0));
    for (long i = 1; i < width; i++) {
      sum = sum.addProduct(padded.narrow(1, i, length), tap(i));
    }
    Tensor convolved = sum;
    return bias.map(convolved::add).orElse(convolved);
  }

  private Tensor tap(long position) {
    return weight.select(2, position).reshape(-1);
  }
}
