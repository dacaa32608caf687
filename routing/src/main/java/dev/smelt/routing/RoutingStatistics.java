package dev.smelt.routing;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import java.util.ArrayList;
import java.util.List;

/**
 * The outcome of a calibration run.
 *
 * @param origin where model and tokens came from
 * @param layers the layers with experts, in order
 */
public record RoutingStatistics(Origin origin, List<LayerStatistics> layers) {
  /** Copies the list. */
  public RoutingStatistics {
    layers = List.copyOf(layers);
  }

  /**
   * Where statistics came from.
   *
   * @param smelt version of smelt
   * @param model fingerprint of the checkpoint
   * @param data hash of the token sequences
   * @param seed seed of the draw and of the sample
   * @param sequences number of sequences
   * @param tokens number of tokens
   * @param compute element type of the run
   * @param hidden size H of the hidden state
   * @param topK experts per token
   */
  public record Origin(
      String smelt,
      String model,
      String data,
      long seed,
      int sequences,
      long tokens,
      String compute,
      int hidden,
      int topK) {}

  /** The statistics of a decoder layer. */
  public LayerStatistics layer(int layer) {
    return layers.stream()
        .filter(statistics -> statistics.layer() == layer)
        .findFirst()
        .orElseThrow(
            () ->
                SmeltException.checkpoint(
                    "the statistics have no layer " + layer,
                    "gather them again with smelt calibrate"));
  }

  /**
   * Refuses statistics that were gathered on another model.
   *
   * @param source the file that messages name
   */
  public void requireMatch(MoeModel model, String source) {
    List<String> problems = new ArrayList<>();
    String fingerprint = model.checkpoint().fingerprint();
    if (!origin.model().equals(fingerprint)) {
      problems.add(
          source
              + ": gathered on model "
              + shortened(origin.model())
              + ", this one is "
              + shortened(fingerprint));
    }
    List<Integer> expected = model.moeLayers().stream().map(MoeLayer::layer).toList();
    List<Integer> found = layers.stream().map(LayerStatistics::layer).toList();
    if (!expected.equals(found)) {
      problems.add(source + ": has layers " + found + ", the model has experts in " + expected);
    }
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.CHECKPOINT, problems, "gather them again with smelt calibrate on this model");
    }
  }

  private static String shortened(String hash) {
    return hash.substring(0, Math.min(12, hash.length()));
  }
}
