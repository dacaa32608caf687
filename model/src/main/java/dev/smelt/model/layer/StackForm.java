package dev.smelt.model.layer;

import dev.smelt.io.SmeltException;
import dev.smelt.model.Norm;
import dev.smelt.model.mixer.Mixer;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A layer of the encoder or of the decoder of an encoder-decoder.
 *
 * <p>The hidden state of a sequence holds both: the rows of the encoder's tokens, then those of the
 * decoder's. A layer of the encoder changes the former, a layer of the decoder the latter.
 *
 * @param self attention among the tokens of one part
 * @param bias of its scores
 * @param cross attention of the decoder to the encoder; a layer of the encoder has none
 * @param beforeNetwork norm before experts or dense network
 * @param last norm of the encoder's output, in its last layer
 * @param start embedding of the decoder's first token, [1, H], in the first layer
 */
public record StackForm(
    StackAttention self,
    RelativeBias bias,
    Optional<StackAttention> cross,
    Norm beforeNetwork,
    Optional<Norm> last,
    Optional<Tensor> start)
    implements LayerForm {

  /**
   * Tokens of a sequence that the encoder reads: the first half. The decoder reads the rest, and
   * the token where it begins is replaced by its start token.
   */
  public static int encoderTokens(int length) {
    return Math.max(1, length / 2);
  }

  /**
   * Runs a batch, sequence by sequence.
   *
   * @param hidden [B, T, H]
   * @param lengths tokens of each sequence; rows after them are padding
   * @param network experts or dense network, [n, H] to [n, H]
   */
  public Tensor run(Tensor hidden, List<Integer> lengths, UnaryOperator<Tensor> network) {
    List<Tensor> sequences = new ArrayList<>();
    for (int b = 0; b < lengths.size(); b++) {
      Tensor all = hidden.select(0, b);
      int length = lengths.get(b);
      Tensor changed = run(all.narrow(0, 0, length), encoderTokens(length), network);
      Tensor padding = all.narrow(0, length, all.size(0) - length);
      sequences.add(Tensors.concat(List.of(changed, padding), 0));
    }
    return Tensors.stack(sequences);
  }

  /**
   * Runs one sequence.
   *
   * @param sequence [T, H]
   * @param encoder rows of the encoder, at least one; those of the decoder follow
   * @param network experts or dense network, [n, H] to [n, H]
   */
  public Tensor run(Tensor sequence, int encoder, UnaryOperator<Tensor> network) {
    Tensor first = sequence.narrow(0, 0, encoder);
    Tensor second = started(sequence.narrow(0, encoder, sequence.size(0) - encoder));
    if (cross.isEmpty()) {
      Tensor encoded = finish(self.among(first, bias), network);
      Tensor output = last.isPresent() ? last.get().apply(encoded) : encoded;
      return Tensors.concat(List.of(output, second), 0);
    }
    if (second.size(0) == 0) {
      return sequence;
    }
    Tensor attended = cross.get().across(self.among(second, bias), first);
    return Tensors.concat(List.of(first, finish(attended, network)), 0);
  }

  private Tensor started(Tensor decoder) {
    return start.isPresent() && decoder.size(0) > 0
        ? Tensors.concat(List.of(start.get(), decoder.narrow(0, 1, decoder.size(0) - 1)), 0)
        : decoder;
  }

  private Tensor finish(Tensor state, UnaryOperator<Tensor> network) {
    return state.add(network.apply(beforeNetwork.apply(state)));
  }

  /**
   * There is no state of all tokens between attention and experts.
   *
   * @throws SmeltException always
   */
  @Override
  public Attended attend(Tensor hidden) {
    throw SmeltException.unsupported(
        "layers of an encoder-decoder run on whole sequences only",
        "use a method that does not look into layers, such as merge and drop with --repair none");
  }

  /**
   * Its attentions do not continue sequences.
   *
   * @throws SmeltException always
   */
  @Override
  public LayerForm mapMixers(UnaryOperator<Mixer> change) {
    throw SmeltException.unsupported(
        "an encoder-decoder cannot continue a text",
        "calibrate, merge, drop and evaluate run on it");
  }
}
