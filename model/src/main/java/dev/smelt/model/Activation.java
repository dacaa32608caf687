package dev.smelt.model;

import dev.smelt.io.SmeltException;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Tensor;
import java.util.Locale;

/** The nonlinearity of a feed-forward network. */
public enum Activation {
  /** {@code x * sigmoid(x)}. */
  SILU,
  /** GELU in its tanh approximation. */
  GELU_TANH,
  /** Maximum with zero. */
  RELU,
  /** Square of the maximum with zero. */
  RELU_SQUARED,
  /** {@code (up + 1) * gate * sigmoid(1.702 * gate)} with clamped inputs, as in gpt-oss. */
  CLAMPED_SWISH;

  /** The bound of {@link #CLAMPED_SWISH}. */
  static final double LIMIT = 7;

  private static final double SLOPE = 1.702;

  /** The activation that config.json calls so; {@code field} is for the message. */
  static Activation named(String name, String field) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "silu", "swish" -> SILU;
      case "gelu_pytorch_tanh", "gelu_tanh" -> GELU_TANH;
      case "relu" -> RELU;
      case "relu2" -> RELU_SQUARED;
      default ->
          throw SmeltException.unsupported(
              field + ": activation '" + name + "' is not supported",
              "supported: silu, gelu_pytorch_tanh, relu, relu2");
    };
  }

  /** The nonlinearity alone. */
  public Tensor apply(Tensor x) {
    return switch (this) {
      case SILU -> x.silu();
      case GELU_TANH -> x.geluTanh();
      case RELU -> x.relu();
      case RELU_SQUARED -> x.relu().square();
      case CLAMPED_SWISH -> {
        Tensor bounded = x.clamp(Double.NEGATIVE_INFINITY, LIMIT);
        yield bounded.mul(bounded.mul(SLOPE).sigmoid());
      }
    };
  }

  /**
   * The activated gate times the other branch; both are results of projections, which are
   * overwritten.
   */
  Tensor gate(Tensor gate, Tensor up) {
    if (Autograd.isRecording()) {
      Tensor other = this == CLAMPED_SWISH ? up.clamp(-LIMIT, LIMIT).add(1) : up;
      return apply(gate).mul(other);
    }
    if (this == CLAMPED_SWISH) {
      gate.clampInPlace(Double.NEGATIVE_INFINITY, LIMIT);
      up.clampInPlace(-LIMIT, LIMIT);
      up.addInPlace(1);
      Tensor part = gate.mul(SLOPE);
      part.sigmoidInPlace();
      gate.mulInPlace(part);
      gate.mulInPlace(up);
      return gate;
    }
    Tensor z = apply(gate);
    z.mulInPlace(up);
    return z;
  }
}
