package dev.smelt.model.compact;

import dev.smelt.model.ExpertPart;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.stream.IntStream;

/**
 * How the experts of one layer are stored, in full, before any value is known.
 *
 * @param layer index of the decoder layer
 * @param experts the stored experts
 * @param map for each row of the router that stands for weights the stored expert that it chooses
 * @param bases matrices to which every expert of the layer adds its own parts
 * @param biased whether projections have biases, which are stored as they are
 */
public record CompactForm(
    int layer,
    List<ExpertForms> experts,
    List<Integer> map,
    SequencedSet<ExpertPart> bases,
    boolean biased) {
  /** Copies the collections and checks the map. */
  public CompactForm {
    experts = List.copyOf(experts);
    map = List.copyOf(map);
    bases = Collections.unmodifiableSequencedSet(new LinkedHashSet<>(bases));
    int count = experts.size();
    boolean inside = map.stream().allMatch(e -> e >= 0 && e < count);
    if (!inside || map.stream().distinct().count() != count) {
      throw new IllegalArgumentException("layer " + layer + ": " + count + " experts, map " + map);
    }
  }

  /** Rows that choose the stored experts in order, each once. */
  public static List<Integer> identity(int experts) {
    return IntStream.range(0, experts).boxed().toList();
  }

  /** Whether every row of the router has an expert of its own, in order. */
  public boolean isMappedInOrder() {
    return map.equals(identity(experts.size()));
  }

  /** Whether a stock checkpoint can hold these experts as they are, if all layers agree. */
  public boolean isStock() {
    return isMappedInOrder()
        && bases.isEmpty()
        && experts.stream().allMatch(ExpertForms::isWhole)
        && experts.stream().mapToLong(ExpertForms::width).distinct().count() == 1;
  }

  /** The same layer with a base for some of the matrices. */
  public CompactForm withBases(SequencedSet<ExpertPart> parts) {
    return new CompactForm(layer, experts, map, parts, biased);
  }

  /**
   * The same layer where matrices that are not whole keep a share of their neurons, at least one.
   */
  public CompactForm keeping(double share) {
    return new CompactForm(
        layer, experts.stream().map(e -> e.keeping(share)).toList(), map, bases, biased);
  }

  /** The largest width of an expert. */
  public long width() {
    return experts.stream().mapToLong(ExpertForms::width).max().orElseThrow();
  }

  /** Stored numbers of all matrices and bases, without indices and biases. */
  public long parameters() {
    ExpertForms first = experts.getFirst();
    long shared = bases.stream().mapToLong(b -> first.get(b).rows() * first.get(b).columns()).sum();
    return shared + experts.stream().mapToLong(ExpertForms::parameters).sum();
  }

  /** Numbers of all biases. */
  public long biases() {
    long all = 0;
    for (ExpertForms expert : experts) {
      all += expert.matrices().values().stream().mapToLong(MatrixForm::rows).sum();
    }
    return biased ? all : 0;
  }

  /**
   * Multiplications of a token in the routed experts: those of a mean expert as often as it is
   * chosen, and each base once.
   */
  public double multiplications(int topK) {
    double chosen =
        map.stream().mapToLong(e -> experts.get(e).parameters()).average().orElse(0) * topK;
    ExpertForms first = experts.getFirst();
    return chosen
        + bases.stream().mapToLong(b -> first.get(b).rows() * first.get(b).columns()).sum();
  }
}
