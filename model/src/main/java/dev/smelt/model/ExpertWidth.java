package dev.smelt.model;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * What follows when all routed experts of a checkpoint get another width: the field of config.json,
 * and shared experts whose width is a multiple of the same field.
 *
 * <p>A shared expert keeps its neurons. If they are no multiple of the new width, neurons that are
 * zero fill it up to the next one, which changes nothing that it computes.
 *
 * @param config config.json with the new width
 * @param paddings tensors of shared experts that grow
 */
public record ExpertWidth(ConfigDocument config, List<Padding> paddings) {
  private static final List<String> OWN_FIELDS =
      List.of("shared_expert_intermediate_size", "shared_intermediate_size");
  private static final List<String> COUNT_FIELDS =
      List.of("n_shared_experts", "num_shared_experts", "moe_num_shared_experts");

  /** Copies the list. */
  public ExpertWidth {
    paddings = List.copyOf(paddings);
  }

  /**
   * A tensor that grows by zeros at its end.
   *
   * @param tensor as it is
   * @param dimension that grows
   * @param length of that dimension in the output
   */
  public record Padding(StoredTensor tensor, int dimension, long length) {
    /** The tensor of the output. */
    public StoredTensor resized() {
      return ExpertTensor.resized(tensor, dimension, length);
    }
  }

  static ExpertWidth of(ModelSource source, List<MoeLayer> layers, long width) {
    return new Edit(source, layers, width).make();
  }

  /** The making of an edit. */
  private static final class Edit {
    private final ModelSource source;
    private final List<MoeLayer> layers;
    private final long width;
    private final ModelConfig config;
    private final ExpertRule rule;
    private final List<Padding> paddings = new ArrayList<>();
    private ConfigDocument edited;

    private Edit(ModelSource source, List<MoeLayer> layers, long width) {
      this.source = source;
      this.layers = layers;
      this.width = width;
      config = source.config();
      rule = source.family().experts;
      edited = config.document();
    }

    private ExpertWidth make() {
      set(rule.width, width);
      requireNoDenseLayer();
      if (hasShared() && OWN_FIELDS.stream().noneMatch(config::has)) {
        editShared();
      }
      return new ExpertWidth(edited, paddings);
    }

    /** Sets a number, or each number of a list. */
    private void set(String field, long value) {
      JsonNode found = config.at(field);
      String path = config.path(field);
      edited =
          found.isArray()
              ? edited.with(path, Collections.nCopies(found.size(), value).toString())
              : edited.with(path, value);
    }

    /** Dense networks have a field of their own where that of the experts says so in its name. */
    private void requireNoDenseLayer() {
      if (!rule.width.equals("intermediate_size")) {
        return;
      }
      for (int l = 0; l < source.layers(); l++) {
        int layer = l;
        boolean sparse = layers.stream().anyMatch(moe -> moe.layer() == layer);
        String up = rule.dense.up() + ".weight";
        boolean dense =
            source.has(source.block(l) + up) || source.has(source.layer(l) + "mlp." + up);
        if (!sparse && dense) {
          throw unsupported("the dense network of layer " + l);
        }
      }
    }

    private boolean hasShared() {
      return layers.stream().anyMatch(moe -> shared(moe.layer()).isPresent());
    }

    /** The names of a layer's shared expert up to those of its projections. */
    private Optional<String> shared(int layer) {
      return rule.shared
          .map(name -> source.block(layer) + name)
          .filter(prefix -> source.has(prefix + ExpertRule.PROJECTIONS.up() + ".weight"));
    }

    private void editShared() {
      String field =
          COUNT_FIELDS.stream()
              .filter(name -> config.at(name).isIntegralNumber())
              .findFirst()
              .orElseThrow(() -> unsupported("the shared expert"));
      long before = layers.getFirst().experts().width() * config.integer(field);
      long count = (before + width - 1) / width;
      set(field, count);
      for (MoeLayer moe : layers) {
        shared(moe.layer()).ifPresent(prefix -> pad(prefix, before, count * width));
      }
    }

    private void pad(String prefix, long before, long after) {
      ExpertRule.Names names = ExpertRule.PROJECTIONS;
      List<String> rows = rule.gated ? List.of(names.gate(), names.up()) : List.of(names.up());
      for (String name : rows) {
        pad(prefix + name + ".weight", 0, before, after);
      }
      pad(prefix + names.down() + ".weight", 1, before, after);
    }

    private void pad(String name, int dimension, long before, long after) {
      StoredTensor tensor = source.checkpoint().require(name);
      if (tensor.dim(dimension) != before) {
        throw unsupported("tensor '" + name + "' " + tensor.shape());
      }
      if (after != before) {
        paddings.add(new Padding(tensor, dimension, after));
      }
    }

    private SmeltException unsupported(String what) {
      return SmeltException.unsupported(
          "%s: the width of %s hangs on the field '%s' of the routed experts"
              .formatted(config.origin(), what, rule.width),
          "the stock form cannot hold narrower experts of this model; drop experts instead");
    }
  }
}
