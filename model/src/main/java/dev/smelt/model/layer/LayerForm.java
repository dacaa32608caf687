package dev.smelt.model.layer;

import dev.smelt.model.tensor.Tensor;

/** Everything of a decoder layer but its experts or dense network. */
public sealed interface LayerForm
    permits BranchForm, ParallelForm, ShortcutForm, SingleForm, GemmaForm {
  /** Runs a layer up to its experts: hidden states [B, T, H]. */
  Attended attend(Tensor hidden);
}
