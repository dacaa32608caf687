package dev.smelt.model.layer;

import dev.smelt.model.Norm;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * Attention and experts side by side on the same normed state (Cohere).
 *
 * @param norm before both
 * @param mixer attention
 */
public record ParallelForm(Norm norm, Mixer mixer) implements LayerForm {
  @Override
  public Attended attend(Tensor hidden) {
    Tensor input = norm.apply(hidden);
    Tensor state = hidden.add(mixer.apply(input));
    return new Attended(input, state::add);
  }

  @Override
  public LayerForm mapMixers(UnaryOperator<Mixer> change) {
    return new ParallelForm(norm, change.apply(mixer));
  }
}
