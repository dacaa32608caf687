package dev.smelt.cli.inspect;

import dev.smelt.io.StoredTensor;
import java.util.BitSet;

/** Collects what the tensors of one layer say about its experts. */
final class MoeLayer {
  private final BitSet indices = new BitSet();
  private long stacked;
  private long routerRows;
  private long width;
  private long flatRows;
  private long parameters;

  /**
   * Takes in a tensor of the layer's routed experts.
   *
   * @param expert the number of its expert; -1 if it is of all experts
   * @param hidden the hidden size of the model
   * @param elements its parameters
   */
  void addExperts(StoredTensor tensor, int expert, long hidden, long elements) {
    parameters += elements;
    int rank = tensor.shape().size();
    if (expert >= 0) {
      indices.set(expert);
    } else if (rank >= 3) {
      stacked = tensor.dim(0);
    }
    if (isDown(tensor.name()) && rank >= 2) {
      readWidth(tensor, expert, rank, hidden);
    }
  }

  private void readWidth(StoredTensor tensor, int expert, int rank, long hidden) {
    if (expert < 0 && rank == 2) {
      flatRows = tensor.dim(0);
      return;
    }
    int first = rank == 2 ? 0 : 1;
    if (rank == 4) {
      // Blocks of 4-bit numbers: [experts, hidden, blocks, bytes per block], two numbers per byte.
      width = tensor.dim(2) * tensor.dim(3) * 2;
    } else if (rank <= 3) {
      width = tensor.dim(first) == hidden ? tensor.dim(first + 1) : tensor.dim(first);
    }
  }

  /** Takes in a tensor of the layer's router: its largest first dimension counts the experts. */
  void addRouter(StoredTensor tensor) {
    if (tensor.shape().size() == 2) {
      routerRows = Math.max(routerRows, tensor.dim(0));
    }
  }

  /** The number of experts: by index, by stacking, or by the rows of the router. */
  long experts() {
    if (!indices.isEmpty()) {
      return indices.cardinality();
    }
    return stacked > 0 ? stacked : routerRows;
  }

  /** The inner width of an expert; 0 if it cannot be told. */
  long width() {
    return width == 0 && experts() > 0 ? flatRows / experts() : width;
  }

  /** Parameters of all routed experts of the layer. */
  long parameters() {
    return parameters;
  }

  private static boolean isDown(String name) {
    boolean scale = name.endsWith("_scales") || name.endsWith("_inv") || name.endsWith("bias");
    return !scale
        && (name.contains("down_proj")
            || name.contains("output_linear")
            || name.contains(".w2")
            || name.contains(".wo.")
            || name.contains(".fc2."));
  }
}
