package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.ExpertTensor.Kind;
import dev.smelt.model.ExpertTensor.Sliced;
import dev.smelt.model.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The rows of all experts one after the other, as in DBRX.
 *
 * @param gate [E * I, H]
 * @param up [E * I, H]
 * @param down [E * I, H]: each expert's down projection transposed
 * @param count E
 * @param form how the matrices of an expert work together
 */
public record FlatStorage(
    StoredTensor gate, StoredTensor up, StoredTensor down, int count, ExpertForm form)
    implements ExpertStorage {
  @Override
  public long width() {
    return gate.dim(0) / count;
  }

  @Override
  public Expert load(Weights weights, int e) {
    return new Expert(
        rows(weights, gate, e),
        rows(weights, up, e),
        rows(weights, down, e).transpose(0, 1),
        form,
        Optional.empty());
  }

  private Tensor rows(Weights weights, StoredTensor all, int e) {
    return weights.own(all).narrow(0, e * width(), width()).to(weights.dtype());
  }

  @Override
  public SequencedMap<StoredTensor, Tensor> arrange(int e, Expert expert) {
    SequencedMap<StoredTensor, Tensor> arranged = new LinkedHashMap<>();
    arranged.put(gate, expert.gate());
    arranged.put(up, expert.up());
    arranged.put(down, expert.down().transpose(0, 1));
    return arranged;
  }

  @Override
  public ExpertStorage resized(long width) {
    long rows = count * width;
    return new FlatStorage(
        ExpertTensor.resized(gate, 0, rows),
        ExpertTensor.resized(up, 0, rows),
        ExpertTensor.resized(down, 0, rows),
        count,
        form);
  }

  @Override
  public List<ExpertTensor> parts() {
    return List.of(
        new Sliced(gate, Kind.WEIGHT, 0, width()),
        new Sliced(up, Kind.WEIGHT, 0, width()),
        new Sliced(down, Kind.WEIGHT, 0, width()));
  }
}
