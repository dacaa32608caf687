package dev.smelt.model.export;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Family;
import dev.smelt.model.ModelConfig;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactConfig;
import dev.smelt.model.compact.CompactForm;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;

/** config.json of an output: the source's, with what is different kept true. */
final class ReducedConfig {
  private static final List<String> PREDICTION_LAYERS =
      List.of("num_nextn_predict_layers", "mtp_num_hidden_layers");

  /** The file that transformers runs. */
  static final String MODELING = "modeling_smelt.py";

  private static final String AUTO_MAP = "auto_map";
  private static final String QUANTISATION = "quantization_config";
  private static final String EXCEPTIONS = QUANTISATION + ".modules_to_not_convert";

  private final ModelConfig source;
  private ConfigDocument edited;

  private ReducedConfig(ModelConfig source) {
    this.source = source;
    edited = source.document();
  }

  /**
   * Edits a config.
   *
   * @param source of the source
   * @param count experts in each layer
   * @param predictionLayers whether layers that predict further tokens are left
   * @param converted the modules of experts that are not quantised any more
   * @param quantised whether any tensor of the output is quantised
   */
  static ConfigDocument of(
      ModelConfig source,
      int count,
      boolean predictionLayers,
      List<String> converted,
      boolean quantised) {
    ReducedConfig config = new ReducedConfig(source);
    config.setCount(count);
    if (!predictionLayers) {
      config.removePredictionLayers();
    }
    if (!converted.isEmpty()) {
      config.convert(converted, quantised);
    }
    return config.isCompact() ? config.withoutCompact() : config.edited;
  }

  private boolean isCompact() {
    return CompactConfig.isCompact(edited);
  }

  private ConfigDocument withoutCompact() {
    return edited.without(CompactConfig.FIELD).without(AUTO_MAP);
  }

  /**
   * Edits a config for experts in compact form, which transformers loads with the class that {@link
   * #modeling} gives.
   *
   * @param model the source
   * @param layers how the experts of every layer are stored
   * @param quantised whether any tensor of the output is quantised
   */
  static ConfigDocument compact(MoeModel model, List<CompactForm> layers, boolean quantised) {
    ReducedConfig config = new ReducedConfig(model.config());
    config.removePredictionLayers();
    List<Integer> counts = layers.stream().map(layer -> layer.map().size()).distinct().toList();
    if (counts.size() == 1) {
      config.setCount(counts.getFirst());
    }
    if (!quantised) {
      config.edited = config.edited.without(config.source.path(QUANTISATION));
    }
    String stock = config.edited.string("architectures.0").orElse("");
    if (stock.isEmpty()) {
      throw SmeltException.checkpoint(
          model.config().origin() + ": field 'architectures' is missing",
          "the compact form names the class that transformers loads");
    }
    String name = stock.startsWith("Smelt") ? stock : "Smelt" + stock;
    return config
        .edited
        .with(AUTO_MAP, "{\"AutoModelForCausalLM\": \"modeling_smelt." + name + "\"}")
        .with(CompactConfig.FIELD, CompactConfig.json(layers, model.stockStorage()));
  }

  /** The text of the file that transformers runs. */
  static String modeling() {
    try (InputStream file = ReducedConfig.class.getResourceAsStream(MODELING)) {
      return new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every spelling of the expert count that is present. */
  private void setCount(int count) {
    for (String field : Family.EXPERT_COUNT_FIELDS) {
      String path = source.path(field);
      JsonNode found = source.at(field);
      if (found.isArray()) {
        edited = edited.with(path, Collections.nCopies(found.size(), count).toString());
      } else if (found.isIntegralNumber()) {
        edited = edited.with(path, count);
      }
    }
  }

  private void removePredictionLayers() {
    for (String field : PREDICTION_LAYERS) {
      if (source.positive(field).isPresent()) {
        edited = edited.with(source.path(field), 0);
      }
    }
  }

  /** Modules that are in BF16 are named; where all are, nothing is said of quantisation. */
  private void convert(List<String> modules, boolean quantised) {
    String path = source.path(QUANTISATION);
    if (!quantised) {
      edited = edited.without(path);
      return;
    }
    List<String> names = new ArrayList<>();
    source.at(EXCEPTIONS).forEach(name -> names.add(name.toString()));
    modules.stream()
        .map(name -> '"' + name + '"')
        .filter(n -> !names.contains(n))
        .forEach(names::add);
    edited = edited.with(source.path(EXCEPTIONS), "[" + String.join(", ", names) + "]");
  }
}
