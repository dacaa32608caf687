package dev.smelt.model;

import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The families that smelt supports, in one registry.
 *
 * <p>A description says only what differs from the defaults of {@link Family}; {@link FamilyBases}
 * says what several families have in common.
 */
public final class Families {
  private static final SequencedMap<String, Supplier<Family>> ALL = new TreeMap<>();

  static {
    Registry registry =
        (type, description) -> ALL.put(type, () -> description.apply(Family.named(type)));
    SoftmaxFamilies.describe(registry);
    SigmoidFamilies.describe(registry);
    HybridFamilies.describe(registry);
  }

  private Families() {}

  /** Takes descriptions. */
  @FunctionalInterface
  interface Registry {
    /** Adds a family by what makes it of the defaults. */
    void add(String modelType, UnaryOperator<Family> description);
  }

  /** All model types, sorted. */
  public static List<String> modelTypes() {
    return List.copyOf(ALL.keySet());
  }

  /** All families, sorted by model type. */
  public static List<Family> all() {
    return ALL.values().stream().map(Supplier::get).toList();
  }

  /**
   * The family of a model type.
   *
   * @throws dev.smelt.io.SmeltException if there is none, with the nearest one
   */
  public static Family of(String modelType) {
    String known = ModelTypes.canonical(modelType);
    if (!ALL.containsKey(known)) {
      throw ModelTypes.unsupported(modelType, ALL.keySet());
    }
    return ALL.get(known).get();
  }
}
