package dev.smelt.cli.inspect;

import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Where in the model a tensor is.
 *
 * @param stack what comes before the layer number, such as {@code model.layers}; empty outside of
 *     layers
 * @param layer the number of the layer; -1 outside of layers
 * @param expert the number of the expert; empty for a tensor of all experts or of none
 */
record TensorPlace(String stack, int layer, OptionalInt expert) {
  private static final Set<String> STACKS = Set.of("layers", "blocks", "block", "h");

  static TensorPlace of(String name) {
    List<String> steps = List.of(name.split("\\."));
    String stack = "";
    int layer = -1;
    OptionalInt expert = OptionalInt.empty();
    for (int i = 1; i < steps.size(); i++) {
      String before = steps.get(i - 1);
      String step = steps.get(i);
      if (layer < 0 && STACKS.contains(before) && TensorRole.isNumber(step)) {
        stack = String.join(".", steps.subList(0, i));
        layer = Integer.parseInt(step);
      } else if (before.equals("experts")) {
        expert = number(step.startsWith("expert_") ? step.substring(7) : step);
      }
    }
    return new TensorPlace(stack, layer, expert);
  }

  private static OptionalInt number(String text) {
    return TensorRole.isNumber(text) && text.length() < 10
        ? OptionalInt.of(Integer.parseInt(text))
        : OptionalInt.empty();
  }
}
