package dev.smelt.model.layer;

import dev.smelt.model.Expert;
import dev.smelt.model.Norm;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * Attention between norms, then a dense network and experts side by side, each between norms of its
 * own, and a factor on the whole layer (Gemma 4).
 *
 * @param mixer attention
 * @param norms the norms of the layer
 * @param network the dense network
 * @param factor on the state after the layer, [1]
 */
public record GemmaForm(Mixer mixer, Norms norms, Expert network, Tensor factor)
    implements LayerForm {
  /**
   * The norms of the layer.
   *
   * @param beforeMixer before the attention
   * @param afterMixer of its output
   * @param beforeNetwork before the dense network
   * @param afterNetwork of its output
   * @param beforeExperts before the experts
   * @param afterExperts of their output
   * @param afterBoth of the sum of both
   */
  public record Norms(
      Norm beforeMixer,
      Norm afterMixer,
      Norm beforeNetwork,
      Norm afterNetwork,
      Norm beforeExperts,
      Norm afterExperts,
      Norm afterBoth) {}

  @Override
  public Attended attend(Tensor hidden) {
    Tensor mixed = mixer.apply(norms.beforeMixer().apply(hidden));
    Tensor state = hidden.add(norms.afterMixer().apply(mixed));
    Tensor dense = network.apply(norms.beforeNetwork().apply(state));
    Tensor beside = norms.afterNetwork().apply(dense);
    return new Attended(norms.beforeExperts().apply(state), output -> join(state, beside, output));
  }

  private Tensor join(Tensor state, Tensor beside, Tensor output) {
    Tensor both = beside.add(norms.afterExperts().apply(output));
    return state.add(norms.afterBoth().apply(both)).mul(factor);
  }

  @Override
  public LayerForm mapMixers(UnaryOperator<Mixer> change) {
    return new GemmaForm(change.apply(mixer), norms, network, factor);
  }
}
