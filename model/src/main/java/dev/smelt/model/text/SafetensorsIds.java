package dev.smelt.model.text;

import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SequencedMap;

/** Token ids in a safetensors file: the tensor {@code input_ids}, or the only one there is. */
final class SafetensorsIds {
  private static final String IDS = "input_ids";

  private SafetensorsIds() {}

  /** The rows of the tensor as documents. */
  static List<Document> read(Path path, int vocabulary) {
    if (!Files.isRegularFile(path)) {
      throw SmeltException.checkpoint(path + ": no such file", "check the path");
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      StoredTensor ids = ids(path, file.tensors());
      String where = path + " tensor " + ids.name();
      return new IdRows(where, ids.dtype(), ids.shape(), file.data(ids)).documents(vocabulary);
    }
  }

  private static StoredTensor ids(Path path, SequencedMap<String, StoredTensor> tensors) {
    if (tensors.containsKey(IDS)) {
      return tensors.get(IDS);
    }
    if (tensors.size() != 1) {
      throw SmeltException.checkpoint(
          path + ": no tensor " + IDS + " among the " + tensors.size() + " tensors of the file",
          "store the token ids under the name " + IDS + ", or alone in a file");
    }
    return tensors.firstEntry().getValue();
  }
}
