package dev.smelt.compress;

import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Masks: weights of experts become zero, by magnitude (Han et al. 2015), by magnitude times the
 * norm of the input (Wanda, Sun et al., ICLR 2024, equation 1) or at random; single weights, N of M
 * neighbours, or whole neurons.
 *
 * <p>Tensors keep their shapes, so the file is as large as before; which weights are left is
 * written beside it, one bit each, and can be applied to another checkpoint of the same shapes.
 *
 * <p>Deliberate differences from Wanda: an expert has the norms of its own routed tokens; the
 * reference takes a running mean of squares, which ranks the same. Thresholds over a layer or the
 * whole model are found from counts of scores rounded to eight significant bits; among scores of
 * the last such step every matrix keeps the same share.
 */
final class Mask implements CompressionMethod {
  static final String APPLY = "apply";
  static final String SEED = "mask-seed";
  static final String SEARCH = "random-search";
  static final String REWIND = "rewind";
  private static final String SPARSITY = "sparsity";
  private static final String PATTERN = "pattern";
  private static final String SCORE = "score";
  private static final String SCOPE = "scope";

  @Override
  public String name() {
    return "mask";
  }

  @Override
  public String summary() {
    return "weights become zero by magnitude, Wanda or at random; the file is not smaller";
  }

  @Override
  public List<MethodOption> options() {
    return List.of(
        new MethodOption(
            SPARSITY, "S", "mask: share of the weights, or neurons, that become zero; from 0 on."),
        new MethodOption(
            PATTERN,
            "P",
            "mask: unstructured, neuron, or N:M, which keeps N of M neighbours along the input."
                + " Default: unstructured."),
        new MethodOption(
            SCORE, "NAME", "mask: magnitude, wanda (needs --text) or random. Default: magnitude."),
        new MethodOption(
            SCOPE,
            "WHERE",
            "mask: what shares the sparsity of an unstructured mask: row, layer or global. Default:"
                + " row."),
        new MethodOption(SEED, "N", "mask: seed of a random mask. Default: 0."),
        new MethodOption(
            APPLY, "FILE", "mask: take the mask that was written beside another checkpoint."),
        new MethodOption(
            SEARCH,
            "N",
            "mask: draw N random masks and take the one with the lowest loss on --text."),
        new MethodOption(
            REWIND,
            "INIT",
            "mask: find the mask on MODEL and write the weights of INIT under it."));
  }

  @Override
  public Compressor configure(GivenOptions given) {
    if (given.has(APPLY)) {
      requireNone(
          given, "--apply takes a mask as it is", SPARSITY, PATTERN, SCORE, SCOPE, SEED, REWIND);
      return MaskRun.apply(Path.of(given.text(APPLY).orElseThrow()));
    }
    MaskScore score =
        MaskScore.named(given.word(SCORE, MaskScore.NAMES, MaskScore.MAGNITUDE.option()));
    MaskPattern pattern =
        MaskPattern.of(given.text(PATTERN).orElse("unstructured"), sparsity(given));
    if (!pattern.isUnstructured()) {
      requireNone(given, "--scope is for unstructured masks", SCOPE);
    }
    if (score == MaskScore.RANDOM) {
      requireNone(given, "a random mask has the same share of zeros in every row", SCOPE);
    } else {
      requireNone(given, "--mask-seed is for --score random", SEED);
    }
    MaskScope scope = MaskScope.named(given.word(SCOPE, MaskScope.NAMES, "row"));
    return MaskRun.score(score, pattern, scope, given.integer(SEED, 0).orElse(0));
  }

  private static Optional<Double> sparsity(GivenOptions given) {
    return given.number(SPARSITY, v -> v >= 0 && v < 1, "a number from 0 to below 1");
  }

  private static void requireNone(GivenOptions given, String why, String... names) {
    List<String> found = List.of(names).stream().filter(given::has).toList();
    if (!found.isEmpty()) {
      throw SmeltException.usage(
          "--" + String.join(", --", found) + ": " + why, "leave out --" + found.getFirst());
    }
  }
}
