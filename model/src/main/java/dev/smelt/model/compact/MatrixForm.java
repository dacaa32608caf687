package dev.smelt.model.compact;

import dev.smelt.model.ExpertPart;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * Of what parts a matrix [rows, columns] is the sum, beside a base that the layer may share.
 *
 * @param part which matrix of an expert it is
 * @param rows outputs
 * @param columns inputs
 * @param rank of the product of two factors; 0 for none, {@link #WHOLE} for the matrix as it is
 * @param kept neurons that are stored beside the factors; 0 for none
 */
public record MatrixForm(ExpertPart part, long rows, long columns, int rank, int kept) {
  /** The rank of a matrix that is stored whole. */
  public static final int WHOLE = -1;

  /** Checks that ranks and neurons exist. */
  public MatrixForm {
    boolean plausible = rank >= WHOLE && rank <= Math.min(rows, columns) && kept >= 0;
    if (rows < 1 || columns < 1 || !plausible || (rank == WHOLE && kept > 0)) {
      throw new IllegalArgumentException(
          "%s [%d, %d], rank %d, kept %d".formatted(part, rows, columns, rank, kept));
    }
  }

  /** A matrix that is stored whole. */
  public static MatrixForm whole(ExpertPart part, long rows, long columns) {
    return new MatrixForm(part, rows, columns, WHOLE, 0);
  }

  /** Whether the matrix is stored whole. */
  public boolean isWhole() {
    return rank == WHOLE;
  }

  /** The tensors and their shapes. */
  public SequencedMap<Piece, List<Long>> shapes() {
    SequencedMap<Piece, List<Long>> shapes = new LinkedHashMap<>();
    if (isWhole()) {
      shapes.put(Piece.FULL, List.of(rows, columns));
    }
    if (rank > 0) {
      shapes.put(Piece.U, List.of(rows, (long) rank));
      shapes.put(Piece.V, List.of((long) rank, columns));
    }
    if (kept > 0) {
      long count = kept;
      shapes.put(
          Piece.KEPT, neuronDimension() == 0 ? List.of(count, columns) : List.of(rows, count));
      shapes.put(Piece.INDEX, List.of(count));
    }
    return shapes;
  }

  /** The dimension whose entries are neurons: rows of gate and up, columns of down. */
  public int neuronDimension() {
    return part.neuronDimension().orElseThrow();
  }

  /** The same with a share of the neurons beside the factors, at least one. */
  MatrixForm keeping(double share) {
    int count = (int) Math.clamp(Math.round(share * neurons()), 1, neurons());
    return new MatrixForm(part, rows, columns, rank, count);
  }

  /** Neurons of the whole matrix. */
  public long neurons() {
    return neuronDimension() == 0 ? rows : columns;
  }

  /** Stored numbers, without indices; as many multiplications a token costs. */
  public long parameters() {
    long all = isWhole() ? rows * columns : rank * (rows + columns);
    return all + kept * (neuronDimension() == 0 ? columns : rows);
  }
}
