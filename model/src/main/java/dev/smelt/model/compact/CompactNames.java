package dev.smelt.model.compact;

import dev.smelt.io.Dtype;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.ExpertPart;
import java.util.ArrayList;
import java.util.List;

/**
 * The tensors of a layer in compact form.
 *
 * @param prefix of all names: that of the block, and {@code experts.}
 */
public record CompactNames(String prefix) {
  /** Name of what the experts share of a matrix. */
  public String base(ExpertPart part) {
    return prefix + "base_" + CompactConfig.name(part);
  }

  /** Name of a piece of a matrix. */
  public String piece(int e, ExpertPart part, Piece piece) {
    return matrix(e, part) + piece.suffix();
  }

  /** Name of the bias of a projection. */
  public String bias(int e, ExpertPart part) {
    return matrix(e, part) + "bias";
  }

  private String matrix(int e, ExpertPart part) {
    return prefix + e + "." + CompactConfig.name(part) + ".";
  }

  /**
   * All tensors of a layer.
   *
   * @param form how it is stored
   * @param dtype type of all values but indices
   */
  public List<TensorInfo> infos(CompactForm form, Dtype dtype) {
    List<TensorInfo> infos = new ArrayList<>();
    ExpertForms first = form.experts().getFirst();
    for (ExpertPart part : form.bases()) {
      MatrixForm base = first.get(part);
      infos.add(new TensorInfo(base(part), dtype, List.of(base.rows(), base.columns())));
    }
    for (int e = 0; e < form.experts().size(); e++) {
      for (MatrixForm matrix : form.experts().get(e).matrices().values()) {
        addMatrix(infos, e, matrix, dtype);
        if (form.biased()) {
          infos.add(new TensorInfo(bias(e, matrix.part()), dtype, List.of(matrix.rows())));
        }
      }
    }
    return infos;
  }

  private void addMatrix(List<TensorInfo> infos, int e, MatrixForm matrix, Dtype dtype) {
    matrix
        .shapes()
        .forEach(
            (piece, shape) ->
                infos.add(
                    new TensorInfo(
                        piece(e, matrix.part(), piece),
                        piece == Piece.INDEX ? Dtype.I32 : dtype,
                        shape)));
  }
}
