package dev.smelt.unlearn.training;

import dev.smelt.model.DecoderLayer;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.export.TensorPatch;
import dev.smelt.model.tensor.Tensor;
import java.util.List;

/**
 * The weights that are trained, in F32, inside the frozen rest of a model. Its tensors, and those
 * of the frozen layers, belong to the scope in which it was made.
 */
public interface TrainedWeights {
  /** The weights themselves, which an optimiser changes in place. */
  List<Tensor> masters();

  /** The first layer that depends on them; -1 if the embeddings do. */
  int firstLayer();

  /** A layer with the weights as they are now. */
  DecoderLayer layer(int index);

  /** Norm and output head with the weights as they are now. */
  LanguageHead head();

  /** What has to be written. */
  List<TensorPatch> patches();

  /** Sets the weights to the values that they will have when they are written and read again. */
  void round();

  /** Number of elements that are trained. */
  default long count() {
    return masters().stream().mapToLong(Tensor::elements).sum();
  }
}
