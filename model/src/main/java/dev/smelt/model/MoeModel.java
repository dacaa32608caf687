package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A Mixture-of-Experts checkpoint that is understood: names are mapped to meaning, weights are read
 * layer by layer when asked for.
 */
public final class MoeModel implements AutoCloseable {
  static final String EMBEDDING = "model.embed_tokens.weight";
  static final String FINAL_NORM = "model.norm.weight";
  static final String HEAD = "lm_head.weight";

  private final Checkpoint checkpoint;
  private final Architecture architecture;
  private final List<MoeLayer> moeLayers;

  private MoeModel(Checkpoint checkpoint, Architecture architecture, List<MoeLayer> moeLayers) {
    this.checkpoint = checkpoint;
    this.architecture = architecture;
    this.moeLayers = moeLayers;
  }

  /**
   * Opens the checkpoint in a directory and checks that config.json and tensors agree.
   *
   * @throws dev.smelt.io.SmeltException if it is corrupt, dense, or of a family that is not
   *     supported
   */
  public static MoeModel open(Path directory) {
    Checkpoint checkpoint = Checkpoint.open(directory);
    try {
      ArchitectureReader reader = new ArchitectureReader(checkpoint);
      Architecture architecture = reader.architecture();
      return new MoeModel(checkpoint, architecture, reader.moeLayers(architecture));
    } catch (RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  static String prefix(int layer) {
    return "model.layers." + layer + ".";
  }

  /** The checkpoint. */
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /** The numbers of the decoder. */
  public Architecture architecture() {
    return architecture;
  }

  /** The layers with experts, in order. */
  public List<MoeLayer> moeLayers() {
    return moeLayers;
  }

  /** The layer with experts of this index. */
  public Optional<MoeLayer> moeLayer(int layer) {
    return moeLayers.stream().filter(moe -> moe.layer() == layer).findFirst();
  }

  /** Reads a layer's weights into the open scope. */
  public DecoderLayer layer(int layer, Dtype compute) {
    Weights weights = new Weights(checkpoint, compute);
    String prefix = prefix(layer);
    return new DecoderLayer(
        layer,
        norm(weights, prefix + "input_layernorm.weight"),
        Attention.load(weights, prefix + "self_attn.", architecture, layer),
        norm(weights, prefix + "post_attention_layernorm.weight"),
        moeLayer(layer)
            .<FeedForward>map(moe -> new FeedForward.Sparse(block(weights, moe)))
            .orElseGet(() -> new FeedForward.Dense(network(weights, prefix + "mlp."))));
  }

  private RmsNorm norm(Weights weights, String name) {
    return new RmsNorm(weights.load(name), architecture.normEpsilon());
  }

  private MoeBlock block(Weights weights, MoeLayer moe) {
    List<Expert> experts = new ArrayList<>();
    for (int e = 0; e < moe.experts().count(); e++) {
      experts.add(moe.experts().load(weights, e));
    }
    return new MoeBlock(router(weights, moe), experts, shared(weights, moe.layer()));
  }

  /** Reads the router of a layer. */
  public Router router(Weights weights, MoeLayer moe) {
    return new Router(weights.load(moe.router()), architecture.topK(), architecture.renormalise());
  }

  private Optional<SharedExpert> shared(Weights weights, int layer) {
    String block = prefix(layer) + architecture.family().block();
    return architecture
        .family()
        .sharedExpert()
        .map(
            name ->
                new SharedExpert(
                    network(weights, block + name),
                    weights.find(block + "shared_expert_gate.weight")));
  }

  private static Expert network(Weights weights, String prefix) {
    return new Expert(
        weights.load(prefix + "gate_proj.weight"),
        weights.load(prefix + "up_proj.weight"),
        weights.load(prefix + "down_proj.weight"));
  }

  /** Embeddings of ids [B, T] as [B, T, H]. */
  public Tensor embed(Tensor ids, Dtype compute) {
    Tensor rows =
        Weights.stored(checkpoint, checkpoint.require(EMBEDDING)).indexSelect(0, ids.reshape(-1));
    return rows.to(compute).reshape(ids.size(0), ids.size(1), -1);
  }

  /** Reads the final norm and the output head into the open scope. */
  public LanguageHead head(Dtype compute) {
    Weights weights = new Weights(checkpoint, compute);
    return new LanguageHead(
        norm(weights, FINAL_NORM), weights.load(architecture.tiedHead() ? EMBEDDING : HEAD));
  }

  @Override
  public void close() {
    checkpoint.close();
  }
}
