package dev.smelt.model;

/**
 * How the matrices of an expert work together.
 *
 * @param activation the nonlinearity
 * @param gated whether it is applied to a gate that multiplies the up projection; else it is
 *     applied to the up projection
 */
public record ExpertForm(Activation activation, boolean gated) {
  /** {@code down * (silu(gate * x) . (up * x))}. */
  public static final ExpertForm SWIGLU = new ExpertForm(Activation.SILU, true);
}
