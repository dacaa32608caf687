package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.compact.CompactForm;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a model costs.
 *
 * @param expertParameters numbers of the routed experts' matrices
 * @param parameters numbers of all tensors
 * @param bytes of all tensors
 * @param flopsPerToken two for each multiplication with a weight: all matrices but the embedding,
 *     and of the routed experts the mean of those that a token chooses; without the scores of
 *     attention, which depend on the length of the text
 */
public record ModelCost(long expertParameters, long parameters, long bytes, double flopsPerToken) {
  /**
   * The cost of a model with other experts.
   *
   * @param model the source
   * @param layers how the routed experts of every layer are stored
   * @param bytes of all tensors of the output
   */
  public static ModelCost of(MoeModel model, List<CompactForm> layers, long bytes) {
    Set<StoredTensor> routed = new HashSet<>();
    model.moeLayers().forEach(moe -> routed.addAll(moe.experts().tensors()));
    List<StoredTensor> rest =
        model.checkpoint().tensors().values().stream().filter(t -> !routed.contains(t)).toList();
    long experts = layers.stream().mapToLong(CompactForm::parameters).sum();
    long biases = layers.stream().mapToLong(CompactForm::biases).sum();
    long others = rest.stream().mapToLong(t -> t.info().elements()).sum();
    Set<StoredTensor> predicting = Set.copyOf(model.predictionTensors());
    boolean tied = model.architecture().tiedHead();
    double dense =
        rest.stream()
            .filter(t -> t.shape().size() >= 2 && !predicting.contains(t))
            .filter(t -> tied || !t.name().equals(model.embeddingName()))
            .mapToLong(t -> t.info().elements())
            .sum();
    int topK = model.architecture().topK();
    double chosen = layers.stream().mapToDouble(layer -> layer.multiplications(topK)).sum();
    return new ModelCost(experts, experts + biases + others, bytes, 2 * (dense + chosen));
  }
}
