package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;

/**
 * Norm over the last dimension that also removes the mean, computed in F32 or better.
 *
 * @param weight [size]
 * @param bias [size], if there is one
 * @param epsilon added to the variance
 */
public record LayerNorm(Tensor weight, Optional<Tensor> bias, double epsilon) implements Norm {
  @Override
  public Tensor apply(Tensor input) {
    Tensor wide = input.dtype().bytes() < 4 ? input.to(Dtype.F32) : input;
    Tensor centred = wide.sub(wide.mean(-1, true));
    Tensor scale = centred.square().mean(-1, true).add(epsilon).rsqrt();
    Tensor scaled = centred.mul(scale).to(input.dtype()).mul(weight);
    return bias.map(scaled::add).orElse(scaled);
  }
}
