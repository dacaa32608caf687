package dev.smelt.merge;

import dev.smelt.io.SmeltException;
import java.util.List;

/** All methods to merge experts, in the order of the documentation. */
public final class MergeMethods {
  private static final List<MergeMethod> ALL =
      List.of(new MSmoe(), new Ream(), new HcSmoe(), new MergeMoe(), new Average());

  private MergeMethods() {}

  /** All methods. */
  public static List<MergeMethod> all() {
    return ALL;
  }

  /** The method of this name. */
  public static MergeMethod named(String name) {
    return ALL.stream()
        .filter(method -> method.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                SmeltException.usage(
                    "unknown merge method '" + name + "'",
                    "choose one of "
                        + String.join(", ", ALL.stream().map(MergeMethod::name).toList())));
  }
}
