package dev.smelt.unlearn.attribution;

import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * How much a text engages every expert of a model: {@code s = (1/Z) sum_j (1/L_j) sum_t g_t}, the
 * mean over Z sequences of the mean over their L_j tokens of the gate value g as it is applied
 * (SEUF, arXiv 2411.18797, equation 2).
 *
 * @param mean what was averaged over
 * @param layers the layers with experts, in order
 * @param sequences number of sequences
 * @param tokens number of tokens
 */
public record Affinity(Mean mean, List<LayerAffinity> layers, int sequences, long tokens) {
  /** Over what gate values are averaged. */
  public enum Mean {
    /** Over sequences, of the means over their tokens: equation 2. */
    SEQUENCES,
    /** Over all tokens; the same as equation 2 if all sequences are of one length. */
    TOKENS;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Copies the list. */
  public Affinity {
    layers = List.copyOf(layers);
  }

  /**
   * The affinity that routing statistics give. They keep sums over tokens and not over sequences,
   * so the mean is one over tokens.
   */
  public static Affinity of(RoutingStatistics statistics) {
    List<LayerAffinity> layers = statistics.layers().stream().map(Affinity::of).toList();
    RoutingStatistics.Origin origin = statistics.origin();
    return new Affinity(Mean.TOKENS, layers, origin.sequences(), origin.tokens());
  }

  private static LayerAffinity of(LayerStatistics layer) {
    double tokens = Math.max(1, layer.tokens());
    return new LayerAffinity(
        layer.layer(),
        Arrays.stream(layer.gateSum()).map(sum -> sum / tokens).toArray(),
        Arrays.stream(layer.routed()).mapToDouble(count -> count / tokens).toArray());
  }

  /**
   * The affinity in a layer.
   *
   * @throws SmeltException if the layer has no experts
   */
  public LayerAffinity layer(int layer) {
    return layers.stream()
        .filter(found -> found.layer() == layer)
        .findFirst()
        .orElseThrow(
            () ->
                SmeltException.usage(
                    "layer " + layer + " has no routed experts",
                    "choose one of the layers "
                        + layers.stream().map(LayerAffinity::layer).toList()));
  }

  /** Affinity of one expert. */
  public double of(ExpertId id) {
    return layer(id.layer()).affinity()[id.expert()];
  }

  /** Share of the tokens that are routed to one expert. */
  public double share(ExpertId id) {
    return layer(id.layer()).share()[id.expert()];
  }

  /** All experts, by layer and number. */
  public List<ExpertId> experts() {
    return layers.stream()
        .flatMap(
            layer ->
                IntStream.range(0, layer.experts()).mapToObj(e -> new ExpertId(layer.layer(), e)))
        .toList();
  }

  /** Whether this has the same layers and experts as a model. */
  public boolean fits(MoeModel model) {
    return model.moeLayers().stream()
        .map(moe -> List.of(moe.layer(), moe.experts().count()))
        .toList()
        .equals(layers.stream().map(l -> List.of(l.layer(), l.experts())).toList());
  }
}
