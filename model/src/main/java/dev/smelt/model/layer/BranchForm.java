package dev.smelt.model.layer;

import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;

/**
 * Attention, then experts, each in a residual branch: most families.
 *
 * @param first the branch of the mixer
 * @param mixer attention or a recurrent mixer
 * @param second the branch of the experts
 */
public record BranchForm(Branch first, Mixer mixer, Branch second) implements LayerForm {
  @Override
  public Attended attend(Tensor hidden) {
    Tensor state = attended(hidden);
    Tensor input = second.input(state);
    return new Attended(input, output -> second.join(state, input, output));
  }

  /** The state between the branches. */
  public Tensor attended(Tensor hidden) {
    Tensor seen = first.input(hidden);
    return first.join(hidden, seen, mixer.apply(seen));
  }

  /** What the experts see of the state between the branches. */
  public Tensor blockInput(Tensor state) {
    return second.input(state);
  }

  /** Whether the output of the experts is added to the state between the branches as it is. */
  public boolean isPlain() {
    return second.isPlain();
  }
}
