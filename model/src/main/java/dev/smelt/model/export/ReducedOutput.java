package dev.smelt.model.export;

import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Tensor;

/** An output with fewer experts, in stock or in compact form; it appears when it is committed. */
public interface ReducedOutput extends AutoCloseable {
  /** Copies everything that is not computed. */
  void copyKept();

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
