package dev.smelt.cli.pipeline;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import dev.smelt.cli.Version;
import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.unlearn.attribution.Attribution;
import dev.smelt.unlearn.attribution.LayerAffinity;
import dev.smelt.unlearn.attribution.Selection;
import dev.smelt.unlearn.attribution.Stability;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Which experts a forget set engages; written as JSON with exactly these names.
 *
 * @param smelt version of smelt
 * @param model name of the model's directory
 * @param fingerprint of the checkpoint
 * @param forget where the affinity on the forget set comes from
 * @param retain where the affinity on the retain set comes from, if there is one
 * @param stability agreement of the two halves of the forget set; not known from statistics
 * @param layers affinity of every expert of every layer
 * @param ranking all experts, the most engaged first; with a retain set, by the difference
 */
public record AttributionReport(
    String smelt,
    String model,
    String fingerprint,
    Source forget,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Source> retain,
    @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Stability> stability,
    List<Layer> layers,
    List<Rank> ranking) {
  /**
   * Where an affinity comes from.
   *
   * @param source {@code text}, or the file of routing statistics
   * @param mean {@code sequences} for the mean over sequences of their means over tokens, {@code
   *     tokens} for the mean over all tokens, which is all that statistics give
   * @param sequences number of sequences
   * @param tokens number of tokens
   * @param hash of the sequences
   */
  public record Source(String source, String mean, int sequences, long tokens, String hash) {}

  /**
   * Affinity of the experts of a layer, by their number.
   *
   * @param layer index of the decoder layer
   * @param forget on the forget set
   * @param retain on the retain set, if there is one
   * @param share share of the forget tokens that are routed to the expert
   */
  public record Layer(
      int layer,
      double[] forget,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<double[]> retain,
      double[] share) {}

  /**
   * An expert in the ranking.
   *
   * @param rank from 1 on
   * @param layer index of the decoder layer
   * @param expert its number
   * @param forget affinity on the forget set
   * @param retain affinity on the retain set, if there is one
   * @param difference of the two
   * @param share share of the forget tokens that are routed to it
   */
  public record Rank(
      int rank,
      int layer,
      int expert,
      double forget,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Double> retain,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Double> difference,
      double share) {
    static Rank of(Attribution.Ranked ranked) {
      return new Rank(
          ranked.rank(),
          ranked.id().layer(),
          ranked.id().expert(),
          ranked.forget(),
          ranked.retain(),
          ranked.difference(),
          ranked.share());
    }
  }

  static AttributionReport of(
      Session session,
      Attribution attribution,
      Optional<Stability> stability,
      Source forget,
      Optional<Source> retain) {
    Selection order = attribution.retain().isPresent() ? Selection.DIFFERENCE : Selection.AFFINITY;
    return new AttributionReport(
        Version.number(),
        String.valueOf(session.model().checkpoint().directory().toAbsolutePath().getFileName()),
        session.model().checkpoint().fingerprint(),
        forget,
        retain,
        stability,
        layers(attribution),
        attribution.ranking(order).stream().map(Rank::of).toList());
  }

  private static List<Layer> layers(Attribution attribution) {
    List<Layer> layers = new ArrayList<>();
    for (LayerAffinity layer : attribution.forget().layers()) {
      layers.add(
          new Layer(
              layer.layer(),
              layer.affinity(),
              attribution.retain().map(r -> r.layer(layer.layer()).affinity()),
              layer.share()));
    }
    return layers;
  }

  /** The first experts of the ranking. */
  public Table table(int count) {
    List<String> titles = new ArrayList<>(List.of("rank", "layer", "expert", "affinity"));
    if (retain.isPresent()) {
      titles.addAll(List.of("on retain", "difference"));
    }
    titles.add("tokens");
    Table table = new Table(titles.toArray(String[]::new));
    for (Rank rank : ranking.subList(0, Math.min(count, ranking.size()))) {
      List<Object> cells =
          new ArrayList<>(List.of(rank.rank(), rank.layer(), rank.expert(), text(rank.forget())));
      rank.retain().ifPresent(value -> cells.add(text(value)));
      rank.difference().ifPresent(value -> cells.add(text(value)));
      cells.add(Units.percent(rank.share()));
      table.row(cells.toArray());
    }
    return table;
  }

  /** What the columns mean, and how far the numbers can be trusted. */
  @JsonIgnore
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    remarks.add(
        forget.mean().equals("sequences")
            ? "affinity: mean over sequences of the mean gate value of their tokens"
            : "affinity: mean gate value over all tokens, as routing statistics give it; the same"
                + " as the mean over sequences if all are of one length");
    remarks.add("tokens: share of the forget tokens that are routed to the expert");
    stability.ifPresent(
        s ->
            remarks.add(
                String.format(
                    Locale.ROOT,
                    "stability: two halves of the forget set share %s of the %d best experts of a"
                        + " layer, and the first one in %s of the layers",
                    Units.percent(s.overlap()),
                    s.best(),
                    Units.percent(s.sameTop()))));
    return remarks;
  }

  private static String text(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
