package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What is masked together, and how much of it is kept.
 *
 * @param kind single weights, N of M, or neurons
 * @param kept weights of a group that are kept, for N of M
 * @param group weights of a group, for N of M
 * @param sparsity share of the weights or neurons that is masked
 */
record MaskPattern(Kind kind, int kept, int group, double sparsity) {
  /** What is masked together. */
  enum Kind {
    UNSTRUCTURED,
    GROUPS,
    NEURONS
  }

  private static final Pattern GROUPS = Pattern.compile("([1-9]\\d{0,3}):([1-9]\\d{0,3})");

  static MaskPattern of(String pattern, Optional<Double> sparsity) {
    Matcher groups = GROUPS.matcher(pattern);
    if (groups.matches()) {
      return groups(Integer.parseInt(groups.group(1)), Integer.parseInt(groups.group(2)), sparsity);
    }
    double share =
        sparsity.orElseThrow(
            () ->
                SmeltException.usage(
                    "--sparsity is missing", "such as --sparsity 0.5 for half of the weights"));
    return switch (pattern) {
      case "unstructured" -> new MaskPattern(Kind.UNSTRUCTURED, 0, 0, share);
      case "neuron" -> new MaskPattern(Kind.NEURONS, 0, 0, share);
      default ->
          throw SmeltException.usage(
              "--pattern " + pattern + ": expected unstructured, neuron or N:M", "such as 2:4");
    };
  }

  private static MaskPattern groups(int kept, int group, Optional<Double> sparsity) {
    if (kept > group) {
      throw SmeltException.usage(
          "--pattern %d:%d keeps more than there are".formatted(kept, group), "such as 2:4");
    }
    if (sparsity.isPresent()) {
      throw SmeltException.usage(
          "--sparsity: --pattern %d:%d says it".formatted(kept, group), "leave out --sparsity");
    }
    return new MaskPattern(Kind.GROUPS, kept, group, 1 - (double) kept / group);
  }

  boolean isUnstructured() {
    return kind == Kind.UNSTRUCTURED;
  }

  /** How many of a number are kept. */
  long keptOf(long count) {
    return count - Math.round(sparsity * count);
  }

  /** One where the most valuable entries of each row are, zero elsewhere: [rows, columns]. */
  Tensor rows(Tensor scores) {
    return best(scores, (int) keptOf(scores.size(1)));
  }

  /**
   * The same within groups of neighbours.
   *
   * @param name of the matrix, for a message
   */
  Tensor groups(Tensor scores, String name) {
    if (scores.size(1) % group != 0) {
      throw SmeltException.usage(
          "%s: %d inputs are not divisible by %d".formatted(name, scores.size(1), group),
          "choose another --pattern");
    }
    return best(scores.reshape(-1, group), kept).reshape(scores.shape());
  }

  private static Tensor best(Tensor scores, int count) {
    if (count == scores.size(1)) {
      return Tensors.full(1, Dtype.F32, scores.shape());
    }
    Tensor columns = scores.mul(-1).transpose(0, 1).contiguous();
    Tensor rank = columns.argsort().argsort().transpose(0, 1);
    return rank.greater(count - 0.5).to(Dtype.F32).mul(-1).add(1).contiguous();
  }
}
