package dev.smelt.model.export;

import dev.smelt.io.ConfigDocument;
import dev.smelt.model.Family;
import dev.smelt.model.ModelConfig;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** config.json of an output: the source's, with what is different kept true. */
final class ReducedConfig {
  private static final List<String> PREDICTION_LAYERS =
      List.of("num_nextn_predict_layers", "mtp_num_hidden_layers");

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
    return config.edited;
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
