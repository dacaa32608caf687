package dev.smelt.compress;

import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Tensor;
import java.util.List;

/**
 * A method with its options: first the form of every layer, then the values of one layer at a time.
 *
 * <p>A method whose forms depend on the weights looks at every layer once before: it surveys.
 */
public interface Compressor {
  /** Whether calibration tokens are needed; without them {@link LayerWork} has none. */
  boolean needsTokens();

  /** Whether {@link #survey} must run over all layers before {@link #plan}. */
  default boolean surveys() {
    return false;
  }

  /**
   * Whether {@link LayerWork#fisherBases} are needed: then all layers run forward and backward
   * before any of them is surveyed or compressed.
   */
  default boolean needsFisherBases() {
    return false;
  }

  /**
   * Checks what can be checked before any work is done.
   *
   * @param layers the layers as they are
   * @throws dev.smelt.io.SmeltException if the method cannot work on them
   */
  default void check(List<LayerShape> layers) {}

  /** Looks at a layer before forms are decided; the result must be small. */
  default LayerSurvey survey(LayerWork work) {
    throw new IllegalStateException("this method decides forms without a survey");
  }

  /**
   * Decides how every layer will be stored; {@link #check} comes before.
   *
   * @param layers the layers as they are
   * @param surveys a survey for each layer, or none if the method does not survey
   */
  List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys);

  /**
   * Computes the values of a layer. Experts can be handed on in any order, each once; tensors of a
   * call need to live only until it returns.
   *
   * @param work the layer with its weights and tokens
   * @param form what {@link #plan} has decided
   * @param sink takes what is computed
   */
  void compress(LayerWork work, CompactForm form, Sink sink);

  /** Takes the values of a layer, in F32. */
  interface Sink {
    /**
     * Takes what all experts of the layer share of a matrix; before any expert.
     *
     * @return the values as they are stored, F32, which live as long as the call of the method
     */
    Tensor base(ExpertPart part, Tensor values);

    /** Takes what the user should know of an expert, such as that it had too few tokens. */
    void remark(int e, String text);

    /** Takes an expert. */
    void expert(int e, CompactExpert expert);
  }
}
