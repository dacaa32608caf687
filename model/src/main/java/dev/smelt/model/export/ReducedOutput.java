package dev.smelt.model.export;

import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Tensor;
import java.util.List;
import java.util.Set;

/** An output with fewer experts, in stock or in compact form; it appears when it is committed. */
public interface ReducedOutput extends AutoCloseable {
  /** Copies everything that is not computed. */
  default void copyKept() {
    copyKept(Set.of());
  }

  /**
   * Copies everything that is not computed, but nothing of the experts of some layers: that follows
   * with {@link #copyCompanions} when it is known which experts survive.
   *
   * @param undecided layers of which all experts and the router are computed
   */
  void copyKept(Set<Integer> undecided);

  /**
   * Copies what a layer keeps of tensors that hold something of every expert, such as the biases of
   * its router.
   *
   * @param layer index of the decoder layer
   * @param survivors the source expert of each position
   */
  void copyCompanions(int layer, List<Integer> survivors);

  /** Whether experts that are only kept must be written too, as {@link #copyKept} leaves them. */
  boolean wantsAll();

  /**
   * Writes an expert.
   *
   * @param layer index of the decoder layer
   * @param position its number in the output
   * @param expert its weights, of whatever type
   */
  void writeExpert(int layer, int position, Expert expert);

  /** Writes a computed router matrix [K, H]. */
  void writeRouter(int layer, Tensor rows);

  /** Bytes of all tensors of the output. */
  long bytes();

  /** Adds a text file, such as the report. */
  void writeFile(String name, String text);

  /** Writes config.json and the side files, verifies everything and gives the output its name. */
  WrittenCheckpoint commit();

  @Override
  void close();
}
