package dev.smelt.model.compact;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.SmeltException;
import dev.smelt.model.ExpertPart;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.StringJoiner;
import java.util.function.ToLongFunction;
import tools.jackson.databind.JsonNode;

/**
 * The field {@code smelt} of config.json, which says how the experts of every layer are stored.
 *
 * <p>Numbers that differ between the experts of a layer are lists; others stand for all of them.
 */
public final class CompactConfig {
  /** The field. */
  public static final String FIELD = "smelt";

  private static final int VERSION = 1;
  private static final List<ExpertPart> PARTS =
      List.of(ExpertPart.GATE, ExpertPart.UP, ExpertPart.DOWN);

  private CompactConfig() {}

  /**
   * The value of the field.
   *
   * @param layers all layers with experts
   * @param storage how stock checkpoints of the family store experts
   */
  public static String json(List<CompactForm> layers, String storage) {
    StringJoiner all = new StringJoiner(", ", "{", "}");
    layers.forEach(layer -> all.add("\"" + layer.layer() + "\": " + json(layer)));
    return "{\"form\": \"compact\", \"version\": %d, \"storage\": \"%s\", \"layers\": %s}"
        .formatted(VERSION, storage, all);
  }

  private static String json(CompactForm layer) {
    StringJoiner ranks = new StringJoiner(", ", "{", "}");
    StringJoiner kept = new StringJoiner(", ", "{", "}");
    for (ExpertPart part : layer.experts().getFirst().matrices().keySet()) {
      ranks.add("\"" + name(part) + "\": " + numbers(layer, e -> e.get(part).rank()));
      kept.add("\"" + name(part) + "\": " + numbers(layer, e -> e.get(part).kept()));
    }
    List<String> bases = layer.bases().stream().map(part -> "\"" + name(part) + "\"").toList();
    return "{\"experts\": %d, \"map\": %s, \"width\": %s, \"rank\": %s, \"kept\": %s, \"base\": %s, \"bias\": %s}"
        .formatted(
            layer.experts().size(),
            layer.map(),
            numbers(layer, ExpertForms::width),
            ranks,
            kept,
            bases,
            layer.biased());
  }

  private static String numbers(CompactForm layer, ToLongFunction<ExpertForms> of) {
    List<Long> all = layer.experts().stream().map(of::applyAsLong).toList();
    return all.stream().distinct().count() == 1 ? all.getFirst().toString() : all.toString();
  }

  /** The name of a matrix in config.json and in names of tensors. */
  public static String name(ExpertPart part) {
    return part.name().toLowerCase(Locale.ROOT);
  }

  /** Whether config.json says that experts are in compact form. */
  public static boolean isCompact(ConfigDocument config) {
    return config.root().path(FIELD).path("layers").isObject();
  }

  /** How stock checkpoints of the family store experts. */
  public static String storage(ConfigDocument config) {
    return config.string(FIELD + ".storage").orElse("");
  }

  /**
   * Reads how the experts of a layer are stored.
   *
   * @param config config.json
   * @param layer index of the decoder layer
   * @param hidden size of the hidden state
   * @return empty if the layer is not in compact form
   * @throws SmeltException (checkpoint) if the description is not complete or contradicts itself
   */
  public static Optional<CompactForm> read(ConfigDocument config, int layer, long hidden) {
    JsonNode node = config.root().path(FIELD).path("layers").path(String.valueOf(layer));
    if (!node.isObject()) {
      return Optional.empty();
    }
    if (config.integer(FIELD + ".version").orElse(0L) != VERSION) {
      throw SmeltException.unsupported(
          "config.json: smelt.version: expected " + VERSION, "use the smelt that wrote the model");
    }
    try {
      return Optional.of(form(node, layer, hidden));
    } catch (IllegalArgumentException e) {
      throw SmeltException.checkpoint(
          "config.json: smelt.layers." + layer + ": " + e.getMessage(),
          "config.json must be the one that was saved with the weights");
    }
  }

  private static CompactForm form(JsonNode node, int layer, long hidden) {
    int count = node.path("experts").asInt(0);
    boolean gated = node.path("rank").has(name(ExpertPart.GATE));
    List<ExpertForms> experts = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      int expert = e;
      experts.add(
          ExpertForms.of(
              hidden,
              number(node.path("width"), e),
              gated,
              (part, rows, columns) ->
                  new MatrixForm(
                      part,
                      rows,
                      columns,
                      (int) number(node.path("rank").path(name(part)), expert),
                      (int) number(node.path("kept").path(name(part)), expert))));
    }
    List<Integer> map = new ArrayList<>();
    node.path("map").forEach(entry -> map.add(entry.asInt(-1)));
    SequencedSet<ExpertPart> bases = new LinkedHashSet<>();
    node.path("base").forEach(entry -> bases.add(part(entry.asString(""))));
    return new CompactForm(layer, experts, map, bases, node.path("bias").asBoolean(false));
  }

  private static ExpertPart part(String name) {
    return PARTS.stream()
        .filter(part -> name(part).equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no matrix is called '" + name + "'"));
  }

  private static long number(JsonNode node, int e) {
    JsonNode entry = node.isArray() ? node.path(e) : node;
    if (!entry.isIntegralNumber()) {
      throw new IllegalArgumentException("expected a whole number, found '" + entry + "'");
    }
    return entry.longValue();
  }
}
