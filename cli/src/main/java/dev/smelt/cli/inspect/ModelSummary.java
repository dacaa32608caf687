package dev.smelt.cli.inspect;

import dev.smelt.io.Checkpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.SequencedMap;

/**
 * What a checkpoint is.
 *
 * @param directory where it is
 * @param modelType {@code model_type} of config.json; "unknown" if it has none
 * @param architecture the first architecture that config.json lists; "unknown" if it lists none
 * @param layers layers of the model, without layers that predict further tokens
 * @param expertsByLayer the number of routed experts of each MoE layer, by the layer's name; empty
 *     for a dense model
 * @param topK experts per token; 0 if config.json does not say it
 * @param hidden the hidden size; 0 if it cannot be told
 * @param expertWidth the inner width of a routed expert; 0 if there is none or it cannot be told
 * @param sharedExperts shared experts per MoE layer
 * @param parameters all parameters
 * @param activeParameters parameters that one token uses: all but the experts that are not chosen
 *     and layers that predict further tokens
 * @param extraLayers layers that predict further tokens
 * @param bytes bytes of all tensors
 * @param shards number of safetensors files
 * @param tensors number of tensors
 * @param tied whether the head is the embedding matrix
 * @param dtypes bytes by element type, the largest first
 * @param groups tensors, parameters and bytes by role; only roles that occur
 */
public record ModelSummary(
    Path directory,
    String modelType,
    String architecture,
    int layers,
    SequencedMap<String, Long> expertsByLayer,
    long topK,
    long hidden,
    long expertWidth,
    long sharedExperts,
    long parameters,
    long activeParameters,
    int extraLayers,
    long bytes,
    int shards,
    int tensors,
    boolean tied,
    SequencedMap<String, Long> dtypes,
    SequencedMap<TensorRole, Group> groups) {
  /** The tensors of one role. */
  public record Group(long tensors, long parameters, long bytes) {
    static final Group EMPTY = new Group(0, 0, 0);

    Group plus(long moreParameters, long moreBytes) {
      return new Group(tensors + 1, parameters + moreParameters, bytes + moreBytes);
    }
  }

  /** Reads names, shapes and config.json of a checkpoint. */
  public static ModelSummary of(Checkpoint checkpoint) {
    return new Summarizer(checkpoint).summarize();
  }

  /** Whether the model has no routed experts. */
  public boolean isDense() {
    return expertsByLayer.isEmpty();
  }

  /** The different numbers of experts per MoE layer, in ascending order. */
  public List<Long> expertCounts() {
    return expertsByLayer.values().stream().distinct().sorted().toList();
  }
}
