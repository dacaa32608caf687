package dev.smelt.compress;

import dev.smelt.io.SmeltException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** Every compression method, in the order of the documentation. */
public final class CompressionMethods {
  private static final List<CompressionMethod> ALL =
      List.of(new LowRank(), new LowRankSparse(), new SharedDelta(), new Slim(), new Mask());

  private CompressionMethods() {}

  /** All methods. */
  public static List<CompressionMethod> all() {
    return ALL;
  }

  /** The options of all methods by name; those that several share stand once. */
  public static SequencedMap<String, MethodOption> options() {
    SequencedMap<String, MethodOption> options = new LinkedHashMap<>();
    ALL.forEach(method -> method.options().forEach(o -> options.putIfAbsent(o.name(), o)));
    return options;
  }

  /**
   * The method of this name.
   *
   * @throws SmeltException (usage) if there is none
   */
  public static CompressionMethod named(String name) {
    return ALL.stream()
        .filter(method -> method.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                SmeltException.usage(
                    "--method " + name + ": no such method",
                    "one of " + String.join(", ", ALL.stream().map(m -> m.name()).toList())));
  }
}
