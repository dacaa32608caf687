package dev.smelt.model.layer;

import dev.smelt.model.Norm;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * One part per layer: a mixer, or experts, or a dense network (Nemotron-H).
 *
 * @param norm before the part
 * @param mixer the part, unless it is experts or a dense network
 */
public record SingleForm(Norm norm, Optional<Mixer> mixer) implements LayerForm {
  @Override
  public Attended attend(Tensor hidden) {
    Tensor input = norm.apply(hidden);
    if (mixer.isPresent()) {
      Tensor state = hidden.add(mixer.get().apply(input));
      return new Attended(state, state::add);
    }
    return new Attended(input, hidden::add);
  }

  @Override
  public Optional<Additive> additive() {
    return mixer.isPresent() ? Optional.empty() : Optional.of(new Sum());
  }

  private final class Sum implements Additive {
    @Override
    public Tensor base(Tensor hidden) {
      return hidden;
    }

    @Override
    public Tensor input(Tensor base) {
      return norm.apply(base);
    }

    @Override
    public double factor() {
      return 1;
    }
  }

  @Override
  public LayerForm mapMixers(UnaryOperator<Mixer> change) {
    return new SingleForm(norm, mixer.map(change));
  }
}
