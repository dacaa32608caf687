package dev.smelt.model.layer;

import dev.smelt.model.layer.Branch.Residual;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;
import java.util.function.UnaryOperator;

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
  private Tensor attended(Tensor hidden) {
    Tensor seen = first.input(hidden);
    return first.join(hidden, seen, mixer.apply(seen));
  }

  @Override
  public Optional<Additive> additive() {
    return second.isAdditive() ? Optional.of(new Sum()) : Optional.empty();
  }

  private class Sum implements Additive {
    @Override
    public Tensor base(Tensor hidden) {
      Tensor state = attended(hidden);
      Tensor base = second.residual() == Residual.STATE ? state : second.input(state);
      return scaled(base, second.keep());
    }

    @Override
    public Tensor input(Tensor base) {
      Tensor state = scaled(base, 1 / second.keep());
      return second.residual() == Residual.STATE ? second.input(state) : state;
    }

    @Override
    public double factor() {
      return second.add();
    }
  }

  private static Tensor scaled(Tensor tensor, double factor) {
    return factor == 1 ? tensor : tensor.mul(factor);
  }

  @Override
  public LayerForm mapMixers(UnaryOperator<Mixer> change) {
    return new BranchForm(first, change.apply(mixer), second);
  }
}
