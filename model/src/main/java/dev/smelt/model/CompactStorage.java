package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactMatrix;
import dev.smelt.model.compact.CompactNames;
import dev.smelt.model.compact.ExpertForms;
import dev.smelt.model.compact.Piece;
import dev.smelt.model.tensor.Tensor;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Experts as the sums of parts, in the compact form. To everything that loads them they are as many
 * experts as the router has rows for; rows that share an expert load the same one.
 *
 * @param layout how they are stored
 * @param form how the matrices of an expert work together
 * @param names of the tensors
 * @param stored the tensors by name
 * @param stock where the same experts would lie in stock form
 */
public record CompactStorage(
    CompactForm layout,
    ExpertForm form,
    CompactNames names,
    SequencedMap<String, StoredTensor> stored,
    ExpertStorage stock)
    implements ExpertStorage {
  @Override
  public int count() {
    return layout.map().size();
  }

  @Override
  public long width() {
    return layout.width();
  }

  @Override
  public List<Integer> sharing() {
    return layout.map();
  }

  @Override
  public Expert load(Weights weights, int e) {
    Weights wide = new Weights(weights.checkpoint(), weights.wide(), weights.replaced());
    Expert sum = expert(wide, layout.map().get(e)).dense(form, bases(wide));
    return sum.map((_, tensor) -> tensor.to(weights.dtype()));
  }

  /** A stored tensor of the layer. */
  public StoredTensor tensor(String name) {
    return stored.get(name);
  }

  /** What the experts share, by matrix, in the compute type. */
  public Map<ExpertPart, Tensor> bases(Weights weights) {
    Map<ExpertPart, Tensor> bases = new EnumMap<>(ExpertPart.class);
    layout.bases().forEach(part -> bases.put(part, weights.load(stored.get(names.base(part)))));
    return bases;
  }

  /**
   * A stored expert in its parts.
   *
   * @param weights reads, in the compute type
   * @param k number of the stored expert, below {@code layout().experts().size()}
   */
  public CompactExpert expert(Weights weights, int k) {
    ExpertForms forms = layout.experts().get(k);
    SequencedMap<ExpertPart, CompactMatrix> matrices = new LinkedHashMap<>();
    forms
        .matrices()
        .forEach(
            (part, matrix) -> {
              SequencedMap<Piece, Tensor> pieces = new LinkedHashMap<>();
              for (Piece piece : matrix.shapes().keySet()) {
                StoredTensor tensor = stored.get(names.piece(k, part, piece));
                pieces.put(
                    piece,
                    piece == Piece.INDEX
                        ? Weights.raw(weights.checkpoint(), tensor)
                        : weights.load(tensor));
              }
              matrices.put(part, new CompactMatrix(matrix, pieces));
            });
    return new CompactExpert(matrices, biases(weights, k));
  }

  private Optional<Expert.Biases> biases(Weights weights, int k) {
    return layout.biased()
        ? Optional.of(
            new Expert.Biases(
                weights.load(stored.get(names.bias(k, ExpertPart.GATE))),
                weights.load(stored.get(names.bias(k, ExpertPart.UP))),
                weights.load(stored.get(names.bias(k, ExpertPart.DOWN)))))
        : Optional.empty();
  }

  @Override
  public SequencedMap<StoredTensor, Tensor> arrange(int e, Expert expert) {
    return stock.arrange(e, expert);
  }

  @Override
  public boolean isBiased() {
    return layout.biased();
  }

  @Override
  public Dtype valueType() {
    return ExpertStorage.plain(stored.firstEntry().getValue().dtype());
  }

  /** Where the experts would lie in stock form, which is what an output that is not compact has. */
  @Override
  public List<ExpertTensor> parts() {
    return stock.parts();
  }

  @Override
  public ExpertStorage unquantised() {
    return stock;
  }

  @Override
  public ExpertStorage resized(long width) {
    return stock.resized(width);
  }

  @Override
  public List<StoredTensor> tensors() {
    return List.copyOf(stored.values());
  }
}
