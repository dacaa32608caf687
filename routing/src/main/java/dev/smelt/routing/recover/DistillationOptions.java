package dev.smelt.routing.recover;

/**
 * The loss of a distillation: {@code text * CE + teacher * T^2 * KL(teacher || student) + hidden *
 * E}, means over predicted tokens without padding. KL is between the distributions at temperature
 * T, over the teacher's likeliest tokens and one more for all the rest; E is the squared distance
 * of the hidden states relative to the teacher's, as a mean over layers.
 *
 * <p>MC-SMoE (Li et al. 2024, section 3.3 and its code) has {@code CE + 0.2 * KL}, T = 2, with two
 * faults that are not repeated: its KL is a sum over the positions of a sequence, padding included,
 * and lacks the T^2 that keeps its gradient's size when T changes (Hinton et al. 2015).
 *
 * @param text weight of the cross-entropy
 * @param teacher weight of the divergence
 * @param hidden weight of the distance of hidden states
 * @param temperature T
 * @param likeliest how many of the teacher's tokens are told apart
 */
public record DistillationOptions(
    double text, double teacher, double hidden, double temperature, int likeliest) {
  /** Checks the ranges. */
  public DistillationOptions {
    boolean weighted = text >= 0 && teacher >= 0 && hidden >= 0 && text + teacher + hidden > 0;
    if (!weighted || !(temperature > 0) || likeliest < 1) {
      throw new IllegalArgumentException(
          "weights %s %s %s, temperature %s, %d tokens"
              .formatted(text, teacher, hidden, temperature, likeliest));
    }
  }
}
