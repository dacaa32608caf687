package dev.smelt.model.layer;

import dev.smelt.model.Expert;
import dev.smelt.model.Norm;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * Two attentions with a dense network after each; experts see what the first network sees, and
 * their output is added at the end (LongCat-Flash, shortcut-connected experts).
 *
 * @param first first half
 * @param second second half
 */
public record ShortcutForm(Half first, Half second) implements LayerForm {
  /**
   * Attention and the dense network after it.
   *
   * @param inputNorm before the attention
   * @param mixer attention
   * @param networkNorm before the network
   * @param network the dense network
   */
  public record Half(Norm inputNorm, Mixer mixer, Norm networkNorm, Expert network) {
    private Half mapMixer(UnaryOperator<Mixer> change) {
      return new Half(inputNorm, change.apply(mixer), networkNorm, network);
    }

    private Tensor attend(Tensor state) {
      return state.add(mixer.apply(inputNorm.apply(state)));
    }
  }

  @Override
  public Attended attend(Tensor hidden) {
    Tensor attended = first.attend(hidden);
    Tensor input = first.networkNorm().apply(attended);
    Tensor middle = attended.add(first.network().apply(input));
    Tensor late = second.attend(middle);
    Tensor last = late.add(second.network().apply(second.networkNorm().apply(late)));
    return new Attended(input, last::add);
  }

  @Override
  public LayerForm mapMixers(UnaryOperator<Mixer> change) {
    return new ShortcutForm(first.mapMixer(change), second.mapMixer(change));
  }
}
