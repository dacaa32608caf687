package dev.smelt.routing.train;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SequencedMap;

/** Named tensors in a directory that is there completely or not at all. */
public final class TensorFile implements AutoCloseable {
  private static final String NAME = "model.safetensors";

  private final SafetensorsFile file;

  private TensorFile(SafetensorsFile file) {
    this.file = file;
  }

  /** Writes tensors as they are; replaces the directory if it is there. */
  public static void write(Path directory, SequencedMap<String, Tensor> tensors) {
    List<TensorInfo> infos = new ArrayList<>();
    tensors.forEach(
        (name, tensor) -> {
          List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
          infos.add(new TensorInfo(name, tensor.dtype(), shape));
        });
    var options = new WriterOptions(Long.MAX_VALUE, true);
    try (CheckpointWriter writer = CheckpointWriter.create(directory, infos, options)) {
      tensors.forEach((name, tensor) -> writer.write(name, tensor.contiguous().memory()));
      writer.commit();
    }
  }

  /** Opens the directory that {@link #write} made. */
  public static TensorFile open(Path directory) {
    return new TensorFile(SafetensorsFile.open(directory.resolve(NAME)));
  }

  /** A tensor over the mapped file; it lives as long as this file is open. */
  public Tensor tensor(String name) {
    StoredTensor stored = file.tensors().get(name);
    if (stored == null) {
      throw SmeltException.checkpoint(
          file.path() + ": tensor '" + name + "' is missing",
          "Remove the directory and start the run again.");
    }
    return Tensors.ofMemory(file.data(stored), stored.dtype(), Weights.dims(stored.shape()));
  }

  @Override
  public void close() {
    file.close();
  }
}
