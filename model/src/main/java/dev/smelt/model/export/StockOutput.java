package dev.smelt.model.export;

import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Tensor;
import java.util.List;

/**
 * Writes experts in stock form: what is the sum of parts is added up, and every row of the router
 * gets an expert of its own.
 *
 * @param writer made from {@link #reductions}
 * @param layers how the experts come
 */
public record StockOutput(ReductionWriter writer, List<CompactForm> layers)
    implements CompactOutput {
  /** The same experts as before, all of them computed. */
  public static List<LayerReduction> reductions(List<CompactForm> layers) {
    return layers.stream()
        .map(layer -> LayerReduction.unchanged(layer.layer(), layer.map().size()))
        .toList();
  }

  @Override
  public void base(int layer, ExpertPart part, Tensor values) {
    // Added to every expert's own parts before they come here.
  }

  @Override
  public void expert(int layer, int e, CompactExpert expert, Expert sum) {
    List<Integer> map =
        layers.stream().filter(form -> form.layer() == layer).findFirst().orElseThrow().map();
    for (int row = 0; row < map.size(); row++) {
      if (map.get(row) == e) {
        writer.writeExpert(layer, row, sum);
      }
    }
  }
}
