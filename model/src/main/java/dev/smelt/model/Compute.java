package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.tensor.Torch;
import java.util.Locale;

/** The type in which the forward pass computes, as the user chooses it. */
public enum Compute {
  /** BF16 where the processor has bfloat16 matrix instructions, else F32. */
  AUTO,
  /** Single precision. */
  F32,
  /** bfloat16, with norms, softmax and losses in single precision. */
  BF16;

  /** The choice of this name: {@code auto}, {@code f32} or {@code bf16}. */
  public static Compute named(String name) {
    for (Compute compute : values()) {
      if (compute.name().toLowerCase(Locale.ROOT).equals(name)) {
        return compute;
      }
    }
    throw SmeltException.usage(
        "unknown compute type '" + name + "'", "choose one of auto, f32, bf16");
  }

  /** The element type that this choice means on this machine. */
  public Dtype dtype() {
    return switch (this) {
      case F32 -> Dtype.F32;
      case BF16 -> Dtype.BF16;
      case AUTO -> Torch.hasFastBfloat16() ? Dtype.BF16 : Dtype.F32;
    };
  }
}
