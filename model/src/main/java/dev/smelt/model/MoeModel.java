package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.layer.StackForm;
import dev.smelt.model.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * A Mixture-of-Experts checkpoint that is understood: names are mapped to meaning, weights are read
 * layer by layer when asked for.
 */
public final class MoeModel implements AutoCloseable {
  private final ModelSource source;
  private final Architecture architecture;
  private final List<LayerReader.LayerPlan> layers;
  private final List<MoeLayer> moeLayers;
  private final List<MoeLayer> predictionLayers;

  private MoeModel(ModelSource source) {
    this.source = source;
    ArchitectureReader reader = new ArchitectureReader(source);
    architecture = reader.architecture();
    moeLayers = reader.moeLayers(architecture);
    predictionLayers = reader.predictionLayers(architecture);
    layers = reader.layers(architecture);
  }

  /**
   * Opens the checkpoint in a directory and checks that config.json and tensors agree.
   *
   * @throws dev.smelt.io.SmeltException if it is corrupt, dense, or of a family that is not
   *     supported
   */
  public static MoeModel open(Path directory) {
    return open(directory, (config, family) -> config);
  }

  /**
   * Opens a checkpoint as if config.json said that the experts form one group: the router chooses
   * among all of them. Outputs are written with that config.
   *
   * @throws dev.smelt.io.SmeltException as {@link #open}, and (usage) if there are no groups
   */
  public static MoeModel openUngrouped(Path directory) {
    return open(directory, (config, family) -> family.router.ungrouped(config));
  }

  private static MoeModel open(Path directory, BiFunction<ModelConfig, Family, ModelConfig> edit) {
    Checkpoint checkpoint = Checkpoint.open(directory);
    try {
      ModelConfig config = new ModelConfig(checkpoint.config(), directory.resolve("config.json"));
      Family family = family(checkpoint, ModelSource.modelType(config));
      return open(checkpoint, edit.apply(config, family), family);
    } catch (RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  /** A model type without a description may still be told to be dense. */
  private static Family family(Checkpoint checkpoint, String modelType) {
    boolean known = Families.modelTypes().contains(ModelTypes.canonical(modelType));
    if (!known && checkpoint.tensors().keySet().stream().noneMatch(MoeModel::isOfExperts)) {
      throw SmeltException.unsupported(
          "%s: no tensor is of an expert or a router, this is a dense model (model_type '%s')"
              .formatted(checkpoint.directory(), modelType),
          "smelt works on Mixture-of-Experts checkpoints");
    }
    return Families.of(modelType);
  }

  private static boolean isOfExperts(String name) {
    return name.contains("expert")
        || name.contains("router")
        || name.contains("moe")
        || name.contains(".gate.");
  }

  /** Opens a checkpoint as a family, with a config.json, of the caller's choice. */
  static MoeModel open(Checkpoint checkpoint, ModelConfig config, Family family) {
    return new MoeModel(ModelSource.of(checkpoint, config, family));
  }

  /** The checkpoint. */
  public Checkpoint checkpoint() {
    return source.checkpoint();
  }

  /** The numbers of the decoder. */
  public Architecture architecture() {
    return architecture;
  }

  /** config.json. */
  public ModelConfig config() {
    return source.config();
  }

  /**
   * The tensors of layers that predict further tokens (MTP): they do not run here, and their
   * experts are not among those of {@link #moeLayers}.
   */
  public List<StoredTensor> predictionTensors() {
    return checkpoint().tensors().values().stream()
        .filter(tensor -> source.isPrediction(tensor.name()))
        .toList();
  }

  /**
   * The layers with experts among those that predict further tokens; their indices follow those of
   * the decoder.
   */
  public List<MoeLayer> predictionLayers() {
    return predictionLayers;
  }

  /** The prefix of the tensors of a layer's experts and their router. */
  public String block(int layer) {
    return source.block(layer);
  }

  /** The word for how a stock checkpoint of this model stores its experts. */
  public String stockStorage() {
    return StockLayout.name(moeLayers.getFirst().experts().unquantised());
  }

  /** The name of the embedding's tensor. */
  String embeddingName() {
    return source.embedding();
  }

  /**
   * Whether every layer adds the output of its experts, times a factor, to a state that also gives
   * their input; see {@link DecoderLayer#attend}.
   */
  public boolean addsExperts() {
    return switch (source.family().form) {
      case SINGLE -> true;
      case BRANCHES -> moeLayers.stream().noneMatch(moe -> source.hasNormAfterExperts(moe.layer()));
      case PARALLEL, SHORTCUT, GEMMA, ENCODER_DECODER -> false;
    };
  }

  /**
   * What follows when all routed experts get another width.
   *
   * @throws dev.smelt.io.SmeltException (unsupported) if other networks have the same field
   */
  public ExpertWidth expertWidth(long width) {
    return ExpertWidth.of(source, moeLayers, width);
  }

  /**
   * The tensors of the decoder, from the embedding to the output head, without those of {@link
   * #predictionTensors} and of parts that see or hear.
   */
  public List<StoredTensor> decoderTensors() {
    return checkpoint().tensors().values().stream()
        .filter(tensor -> source.isDecoder(tensor.name()) && !source.isPrediction(tensor.name()))
        .toList();
  }

  /** The layers with experts, in order. */
  public List<MoeLayer> moeLayers() {
    return moeLayers;
  }

  /** The layer with experts of this index. */
  public Optional<MoeLayer> moeLayer(int layer) {
    return moeLayers.stream().filter(moe -> moe.layer() == layer).findFirst();
  }

  /** Reads a layer's weights into the open scope; those of other layers leave physical memory. */
  public DecoderLayer layer(int layer, Dtype compute) {
    checkpoint().releasePages();
    return layer(layer, new Weights(checkpoint(), compute));
  }

  /** A layer made of these weights of the checkpoint. */
  public DecoderLayer layer(int layer, Weights weights) {
    BlockReader blocks = new BlockReader(source, architecture);
    FeedForward feedForward =
        moeLayer(layer)
            .map(moe -> blocks.sparse(weights, moe))
            .orElseGet(() -> blocks.dense(weights, layer));
    return new DecoderLayer(layer, layers.get(layer).load(weights), feedForward);
  }

  /** Router and experts of a layer, made of these weights of the checkpoint. */
  public MoeBlock block(MoeLayer moe, Weights weights) {
    return new BlockReader(source, architecture).block(weights, moe);
  }

  /** The tensors of a decoder layer, with experts and router, in the order of the checkpoint. */
  public List<StoredTensor> layerTensors(int layer) {
    String prefix = source.layer(layer);
    return checkpoint().tensors().values().stream()
        .filter(tensor -> tensor.name().startsWith(prefix))
        .toList();
  }

  /** Reads the router of a layer. */
  public Router router(Weights weights, MoeLayer moe) {
    return new BlockReader(source, architecture).router(weights, moe);
  }

  /** Embeddings of ids [B, T] as [B, T, H]. */
  public Tensor embed(Tensor ids, Dtype compute) {
    return embed(ids, new Weights(checkpoint(), compute));
  }

  /** Embeddings of ids [B, T] as [B, T, H], from these weights. */
  public Tensor embed(Tensor ids, Weights weights) {
    Tensor rows =
        weights.own(checkpoint().require(source.embedding())).indexSelect(0, ids.reshape(-1));
    Tensor embedded = rows.to(weights.dtype()).reshape(ids.size(0), ids.size(1), -1);
    double scale = source.family().embeddingScale.applyAsDouble(source.config());
    return scale == 1 ? embedded : embedded.mul(scale);
  }

  /**
   * Reads the final norm and the output head into the open scope.
   *
   * @throws SmeltException if not all states are those of a decoder; see {@link #decoderHead}
   */
  public LanguageHead head(Dtype compute) {
    return head(new Weights(checkpoint(), compute));
  }

  /**
   * The final norm and the output head, made of these weights.
   *
   * @throws SmeltException as {@link #head(Dtype)}
   */
  public LanguageHead head(Weights weights) {
    if (architecture.isEncoderDecoder()) {
      throw SmeltException.unsupported(
          checkpoint().directory() + ": training and comparing encoder-decoders is not supported",
          "calibrate, merge, drop and evaluate run on them");
    }
    return outputs(weights);
  }

  /**
   * The final norm and the output head, for states of a decoder only: of an encoder-decoder those
   * after the first {@link StackForm#encoderTokens} of a sequence.
   */
  public LanguageHead decoderHead(Dtype compute) {
    return outputs(new Weights(checkpoint(), compute));
  }

  private LanguageHead outputs(Weights weights) {
    Family family = source.family();
    return new LanguageHead(
        source.norm(weights, source.finalNorm()),
        weights.load(architecture.tiedHead() ? source.embedding() : source.head() + ".weight"),
        weights.find(source.head() + ".bias"),
        family.logitScale.applyAsDouble(source.config()),
        family.softcapField.flatMap(source.config()::number));
  }

  @Override
  public void close() {
    checkpoint().close();
  }
}
