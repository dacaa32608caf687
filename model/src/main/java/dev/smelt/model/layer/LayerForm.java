package dev.smelt.model.layer;

import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Everything of a decoder layer but its experts or dense network. */
public sealed interface LayerForm
    permits BranchForm, ParallelForm, ShortcutForm, SingleForm, GemmaForm, StackForm {
  /** Runs a layer up to its experts: hidden states [B, T, H]. */
  Attended attend(Tensor hidden);

  /** The layer as a sum, if it is one. */
  default Optional<Additive> additive() {
    return Optional.empty();
  }

  /** The same form with its mixers changed. */
  LayerForm mapMixers(UnaryOperator<Mixer> change);
}
