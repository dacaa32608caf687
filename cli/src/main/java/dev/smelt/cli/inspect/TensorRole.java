package dev.smelt.cli.inspect;

import java.util.List;
import java.util.Set;

/** What a tensor is for, judged by its name; one rule for all families. */
public enum TensorRole {
  /** Token embeddings. */
  EMBEDDINGS("embeddings"),
  /** Attention and everything else that mixes tokens, such as convolutions and state spaces. */
  ATTENTION("attention"),
  /** Routed experts. */
  EXPERTS("experts"),
  /** Router weights and their biases. */
  ROUTER("router"),
  /** Shared experts, which every token passes, and their gates. */
  SHARED("shared experts"),
  /** Feed-forward networks of layers without experts. */
  DENSE("dense"),
  /** Normalisations. */
  NORMS("norms"),
  /** The output head. */
  HEAD("head"),
  /** Anything else. */
  OTHER("other");

  private static final Set<String> EMBEDDING_NAMES = Set.of("wte", "wpe", "shared");
  private static final Set<String> MIXERS = Set.of("mamba", "conv", "mixer");
  private static final Set<String> FUSED_LINEAR = Set.of("input_linear", "output_linear");

  private final String label;

  TensorRole(String label) {
    this.label = label;
  }

  /** The name of the group in tables. */
  public String label() {
    return label;
  }

  /**
   * The role of a tensor.
   *
   * @param name its full name; numbers may be replaced by {@code #}
   * @param rank the number of its dimensions; tells fused experts from a dense layer
   */
  public static TensorRole of(String name, int rank) {
    List<String> steps = List.of(name.split("\\."));
    if (isNorm(steps)) {
      return NORMS;
    }
    if (name.contains("attn.") || name.contains("ttention.")) {
      return ATTENTION;
    }
    if (name.contains("shared_expert")
        || name.contains("shared_mlp")
        || name.contains("share_exp")) {
      return SHARED;
    }
    if (isRouter(name, steps)) {
      return ROUTER;
    }
    if (steps.contains("experts") || isFusedExperts(steps, rank)) {
      return EXPERTS;
    }
    return ofPlain(steps);
  }

  private static TensorRole ofPlain(List<String> steps) {
    if (steps.contains("lm_head") || steps.equals(List.of("output", "weight"))) {
      return HEAD;
    }
    for (String step : steps) {
      if (step.startsWith("embed") || EMBEDDING_NAMES.contains(step)) {
        return EMBEDDINGS;
      }
      if (step.startsWith("mlp")
          || step.startsWith("feed_forward")
          || step.equals("ffn")
          || step.equals("block_sparse_moe")) {
        return DENSE;
      }
    }
    if (steps.contains("mixer") && isFeedForward(steps)) {
      return DENSE;
    }
    return steps.stream().anyMatch(MIXERS::contains) ? ATTENTION : OTHER;
  }

  /** A hybrid's mixer without attention or state space is a feed-forward network. */
  private static boolean isFeedForward(List<String> steps) {
    return steps.contains("up_proj") || steps.contains("down_proj") || steps.contains("gate_proj");
  }

  private static boolean isNorm(List<String> steps) {
    for (String step : steps.reversed()) {
      boolean isSuffix = step.equals("weight") || step.equals("bias") || step.equals("#");
      if (!isSuffix) {
        return step.contains("norm") || step.endsWith("_ln") || step.startsWith("ln_");
      }
    }
    return false;
  }

  private static boolean isRouter(String name, List<String> steps) {
    return name.endsWith("correction_bias")
        || name.endsWith("expert_bias")
        || name.endsWith("router_bias")
        || steps.contains("router")
        || steps.contains("gate");
  }

  /** Experts stacked in one tensor, under a name without "experts". */
  private static boolean isFusedExperts(List<String> steps, int rank) {
    return rank == 3 && (steps.contains("moe") || steps.stream().anyMatch(FUSED_LINEAR::contains));
  }
}
