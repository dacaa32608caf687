package dev.smelt.model;

import dev.smelt.model.layer.RelativeBias;
import dev.smelt.model.layer.StackAttention;
import dev.smelt.model.layer.StackForm;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/** Reads a layer of an encoder-decoder but its experts; layers of the encoder come first. */
final class StackReader {
  private static final String BIAS = "0.layer.0.SelfAttention.relative_attention_bias.weight";

  private final ModelSource source;
  private final int index;
  private final boolean decodes;
  private final String prefix;

  private StackReader(ModelSource source, int index) {
    this.source = source;
    this.index = index;
    decodes = index >= source.encoderLayers();
    prefix = source.layer(index) + "layer.";
  }

  static LayerReader.LayerPlan plan(ModelSource source, int index) {
    StackReader reader = new StackReader(source, index);
    reader.check();
    return reader::load;
  }

  private void check() {
    ShapeCheck check = new ShapeCheck(source.checkpoint());
    int heads = source.config().integer("num_heads");
    long size = (long) heads * source.config().integer("d_kv", 64);
    int buckets = source.config().integer("relative_attention_num_buckets", 32);
    check.expect(biasName(), buckets, heads);
    for (String part :
        decodes ? List.of("0.SelfAttention.", "1.EncDecAttention.") : List.of("0.SelfAttention.")) {
      for (String name : List.of("q", "k", "v")) {
        check.expect(prefix + part + name + ".weight", size, source.hidden());
      }
      check.expect(prefix + part + "o.weight", source.hidden(), size);
    }
    check.throwIfAny();
  }

  private String biasName() {
    return (decodes ? "decoder" : "encoder") + ".block." + BIAS;
  }

  private StackForm load(Weights weights) {
    return new StackForm(
        attention(weights, "0.", "SelfAttention."),
        bias(weights),
        decodes ? Optional.of(attention(weights, "1.", "EncDecAttention.")) : Optional.empty(),
        source.norm(weights, prefix + (decodes ? "2." : "1.") + "layer_norm"),
        index == source.encoderLayers() - 1
            ? Optional.of(source.norm(weights, "encoder.final_layer_norm"))
            : Optional.empty(),
        index == 0 ? Optional.of(start(weights)) : Optional.empty());
  }

  private StackAttention attention(Weights weights, String part, String name) {
    String at = prefix + part + name;
    return new StackAttention(
        source.norm(weights, prefix + part + "layer_norm"),
        weights.load(at + "q.weight"),
        weights.load(at + "k.weight"),
        weights.load(at + "v.weight"),
        weights.load(at + "o.weight"),
        source.config().integer("num_heads"));
  }

  /** All layers of a part use the table of its first one. */
  private RelativeBias bias(Weights weights) {
    return new RelativeBias(
        weights.load(biasName()),
        source.config().integer("relative_attention_max_distance", 128),
        decodes);
  }

  private Tensor start(Weights weights) {
    int id =
        source
            .config()
            .integer("decoder_start_token_id", source.config().integer("pad_token_id", 0));
    return weights.load(source.embedding()).narrow(0, id, 1);
  }
}
