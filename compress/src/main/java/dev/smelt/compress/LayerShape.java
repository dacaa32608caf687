package dev.smelt.compress;

import dev.smelt.model.CompactStorage;
import dev.smelt.model.ExpertForm;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.ExpertForms;
import dev.smelt.model.compact.MatrixForm;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The experts of a layer before they are made smaller.
 *
 * @param layer index of the decoder layer
 * @param hidden size H of the hidden state
 * @param widths neurons of each stored expert
 * @param map for each row of the router that stands for weights the expert that it chooses
 * @param expert how the matrices of an expert work together
 * @param biased whether projections have biases
 */
public record LayerShape(
    int layer,
    long hidden,
    List<Long> widths,
    List<Integer> map,
    ExpertForm expert,
    boolean biased) {
  /** Copies the lists. */
  public LayerShape {
    widths = List.copyOf(widths);
    map = List.copyOf(map);
  }

  /** The layer of a checkpoint. */
  public static LayerShape of(MoeLayer moe, long hidden) {
    if (moe.experts() instanceof CompactStorage compact) {
      CompactForm form = compact.layout();
      List<Long> widths = form.experts().stream().map(ExpertForms::width).toList();
      return new LayerShape(moe.layer(), hidden, widths, form.map(), compact.form(), form.biased());
    }
    int experts = moe.experts().count();
    return new LayerShape(
        moe.layer(),
        hidden,
        Collections.nCopies(experts, moe.experts().width()),
        CompactForm.identity(experts),
        moe.experts().form(),
        moe.experts().isBiased());
  }

  /** How the experts of a layer of a checkpoint are stored now. */
  public static CompactForm stored(MoeLayer moe, long hidden) {
    return moe.experts() instanceof CompactStorage compact
        ? compact.layout()
        : of(moe, hidden).whole();
  }

  /** Number of stored experts. */
  public int experts() {
    return widths.size();
  }

  /** The layer with experts of chosen forms, without a base. */
  public CompactForm with(FormChoice choice) {
    List<ExpertForms> forms = new ArrayList<>();
    for (int e = 0; e < experts(); e++) {
      int expert = e;
      forms.add(
          ExpertForms.of(
              hidden,
              widths.get(e),
              this.expert.gated(),
              (part, rows, columns) -> choice.of(expert, MatrixForm.whole(part, rows, columns))));
    }
    return new CompactForm(layer, forms, map, new LinkedHashSet<>(), biased);
  }

  /** A row of the router that chooses an expert. */
  public int row(int expert) {
    return map.indexOf(expert);
  }

  /** The layer with its experts stored whole. */
  public CompactForm whole() {
    return with((_, whole) -> whole);
  }

  /** Chooses the form of a matrix. */
  @FunctionalInterface
  public interface FormChoice {
    /** The form of a matrix of an expert, for the form in which it is stored whole. */
    MatrixForm of(int expert, MatrixForm whole);
  }
}
