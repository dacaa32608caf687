package dev.smelt.model.export;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.WriterOptions;
import dev.smelt.io.WrittenCheckpoint;
import dev.smelt.model.tensor.Scope;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * Writes a checkpoint with other values in a few places. Everything else, config.json and side
 * files included, is copied as bytes.
 */
public final class PatchWriter {
  private PatchWriter() {}

  /**
   * Writes.
   *
   * @param source the checkpoint
   * @param target the output directory, which appears when it is complete and verified
   * @param patches new values; parts of one tensor must not overlap
   * @param files further files by name, which replace those of the source
   * @param options of the writer
   */
  public static WrittenCheckpoint write(
      Checkpoint source,
      Path target,
      List<TensorPatch> patches,
      SequencedMap<String, byte[]> files,
      WriterOptions options) {
    ReductionWriter.requireOther(source.directory(), target);
    Map<StoredTensor, List<TensorPatch>> byTensor =
        patches.stream().collect(Collectors.groupingBy(TensorPatch::tensor));
    try (CheckpointWriter writer =
        CheckpointWriter.create(
            target, source.tensors().values().stream().map(StoredTensor::info).toList(), options)) {
      for (StoredTensor tensor : source.tensors().values()) {
        write(writer, tensor, byTensor.getOrDefault(tensor, List.of()));
      }
      writer.writeFile("config.json", source.config().text());
      files.forEach(writer::writeFile);
      writer.copySideFiles(source);
      return writer.commit();
    }
  }

  private static void write(
      CheckpointWriter writer, StoredTensor tensor, List<TensorPatch> patches) {
    long next = 0;
    List<TensorPatch> sorted =
        patches.stream().sorted(Comparator.comparingLong(TensorPatch::byteOffset)).toList();
    for (TensorPatch patch : sorted) {
      copy(writer, tensor, next, patch.byteOffset());
      try (var _ = Scope.open()) {
        writer.writeSlice(
            tensor.name(),
            patch.byteOffset(),
            patch.values().to(tensor.dtype()).contiguous().memory());
      }
      next = patch.byteOffset() + patch.bytes();
    }
    copy(writer, tensor, next, tensor.bytes());
  }

  private static void copy(CheckpointWriter writer, StoredTensor tensor, long from, long to) {
    if (from < to || tensor.bytes() == 0) {
      writer.copySlice(tensor.name(), from, tensor, from, to - from);
    }
  }
}
