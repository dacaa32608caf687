package dev.smelt.cli.inspect;

import java.util.List;
import java.util.Set;

/**
 * A tensor name with its numbers taken out, so that what the names of one kind have in common is
 * found out once: {@code model.layers.#.mlp.experts.#.up_proj.weight}.
 *
 * @param role what such tensors are for
 * @param stack what comes before the layer number, such as {@code model.layers}; empty outside of
 *     layers
 * @param layerAt which of the numbers is that of the layer; -1 outside of layers
 * @param expertAt which of the numbers is that of the expert; -1 for a tensor of all experts or of
 *     none
 */
record NamePattern(TensorRole role, String stack, int layerAt, int expertAt) {
  private static final Set<String> STACKS = Set.of("layers", "blocks", "block", "h");

  /** Reads a name whose numbers are replaced by {@code #}. */
  static NamePattern of(String pattern, int rank) {
    List<String> steps = List.of(pattern.split("\\."));
    String stack = "";
    int layerAt = -1;
    int expertAt = -1;
    int numbers = 0;
    for (int i = 0; i < steps.size(); i++) {
      String before = i == 0 ? "" : steps.get(i - 1);
      String step = steps.get(i);
      if (layerAt < 0 && STACKS.contains(before) && step.equals("#")) {
        stack = String.join(".", steps.subList(0, i));
        layerAt = numbers;
      } else if (before.equals("experts") && (step.equals("#") || step.equals("expert_#"))) {
        expertAt = numbers;
      }
      numbers += step.endsWith("#") ? 1 : 0;
    }
    return new NamePattern(TensorRole.of(pattern, rank), stack, layerAt, expertAt);
  }
}
