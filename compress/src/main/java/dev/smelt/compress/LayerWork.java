package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.repair.BlockInputs;
import dev.smelt.routing.repair.ExpertTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** A layer that a method looks at: its experts, and the calibration tokens that they see. */
public final class LayerWork {
  private final LayerShape shape;
  private final IntFunction<Expert> experts;
  private final Optional<Routed> routed;
  private final Optional<FisherBases> fisher;

  /**
   * The tokens of a layer.
   *
   * @param inputs what router and experts see
   * @param training for each stored expert the tokens to learn from
   * @param heldOut for each stored expert the tokens to judge on
   * @param weighting where gate values are applied
   */
  private record Routed(
      BlockInputs inputs,
      List<ExpertTokens> training,
      List<ExpertTokens> heldOut,
      MoeBlock.Weighting weighting) {}

  private LayerWork(
      LayerShape shape,
      IntFunction<Expert> experts,
      Optional<Routed> routed,
      Optional<FisherBases> fisher) {
    this.shape = shape;
    this.experts = experts;
    this.routed = routed;
    this.fisher = fisher;
  }

  /** A layer of a checkpoint, without tokens. */
  static LayerWork of(MoeModel model, MoeLayer moe) {
    LayerShape shape = LayerShape.of(moe, model.architecture().hidden());
    return withoutTokens(shape, stored(model, moe, shape));
  }

  /** Reads the stored experts of a layer of a checkpoint into the open scope, in F32. */
  static IntFunction<Expert> stored(MoeModel model, MoeLayer moe, LayerShape shape) {
    return e -> moe.experts().load(new Weights(model.checkpoint(), Dtype.F32), shape.row(e));
  }

  /**
   * A layer of which only the weights are known.
   *
   * @param shape of the layer
   * @param experts reads a stored expert into the open scope
   */
  public static LayerWork withoutTokens(LayerShape shape, IntFunction<Expert> experts) {
    return new LayerWork(shape, experts, Optional.empty(), Optional.empty());
  }

  /**
   * A layer with tokens.
   *
   * @param shape of the layer
   * @param experts reads a stored expert into the open scope
   * @param block whose router routes the tokens
   * @param inputs the tokens
   */
  public static LayerWork of(
      LayerShape shape, IntFunction<Expert> experts, MoeBlock block, BlockInputs inputs) {
    List<ExpertTokens> training = route(shape, block, inputs, inputs.split().training());
    List<ExpertTokens> heldOut = route(shape, block, inputs, inputs.split().heldOut());
    Routed routed = new Routed(inputs, training, heldOut, block.weighting());
    return new LayerWork(shape, experts, Optional.of(routed), Optional.empty());
  }

  /** The same with bases for {@link #fisherBases}, if there are any. */
  LayerWork with(Optional<FisherBases> bases) {
    return new LayerWork(shape, experts, routed, bases);
  }

  /** Tokens by stored expert: those of all router rows that choose it. */
  private static List<ExpertTokens> route(
      LayerShape shape, MoeBlock block, BlockInputs inputs, int[] tokens) {
    List<ExpertTokens> rows = ExpertTokens.route(block, inputs, tokens);
    List<ExpertTokens> stored = new ArrayList<>();
    for (int e = 0; e < shape.experts(); e++) {
      int expert = e;
      stored.add(
          ExpertTokens.joined(
              IntStream.range(0, shape.map().size())
                  .filter(row -> shape.map().get(row) == expert)
                  .mapToObj(rows::get)
                  .toList()));
    }
    return stored;
  }

  /** The layer as it is. */
  public LayerShape shape() {
    return shape;
  }

  /**
   * Reads a stored expert into the open scope, in F32.
   *
   * @throws SmeltException (checkpoint) if a weight is NaN or infinite
   */
  public Expert expert(int e) {
    return experts
        .apply(e)
        .map(
            (part, tensor) -> {
              Tensor wide = tensor.to(Dtype.F32);
              if (!Double.isFinite(wide.norm().item())) {
                throw SmeltException.checkpoint(
                    "layer %d, expert %d, %s: a weight is NaN or infinite"
                        .formatted(shape.layer(), e, MatrixNames.of(part)),
                    "smelt verify MODEL lists the tensors");
              }
              return wide;
            });
  }

  /** Whether there are tokens. */
  public boolean hasTokens() {
    return routed.isPresent();
  }

  /** The tokens of an expert to learn from. */
  public ExpertInputs training(int e) {
    Routed all = tokens();
    return new ExpertInputs(all.inputs(), all.training().get(e), all.weighting());
  }

  /** The tokens of an expert that only judge the result. */
  public ExpertInputs heldOut(int e) {
    Routed all = tokens();
    return new ExpertInputs(all.inputs(), all.heldOut().get(e), all.weighting());
  }

  /** How often each expert was chosen by the tokens to learn from. */
  public long[] counts() {
    long[] counts = new long[shape.experts()];
    Arrays.setAll(counts, e -> tokens().training().get(e).count());
    return counts;
  }

  /**
   * Means of the experts' matrices by Fisher information, F32, for a method that {@linkplain
   * Compressor#needsFisherBases needs} them; not to be modified.
   */
  public Map<ExpertPart, Tensor> fisherBases() {
    return fisher
        .orElseThrow(() -> new IllegalStateException("there was no backward pass"))
        .of(shape.layer());
  }

  private Routed tokens() {
    return routed.orElseThrow(() -> new IllegalStateException("there are no tokens"));
  }
}
