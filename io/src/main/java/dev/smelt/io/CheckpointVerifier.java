package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Checks a checkpoint directory as a structure of bytes: headers, index, sizes, stale files, and
 * that no floating value is NaN or infinite. Whether tensors and config.json make a model is a
 * question for the model module.
 */
public final class CheckpointVerifier {
  private final Path directory;
  private final List<String> problems = new ArrayList<>();

  private CheckpointVerifier(Path directory) {
    this.directory = directory;
  }

  /**
   * Everything that is wrong, one message each; empty for a sound checkpoint. Reads all values, in
   * parallel.
   */
  public static List<String> problems(Path directory) {
    CheckpointVerifier verifier = new CheckpointVerifier(directory);
    verifier.check();
    return List.copyOf(verifier.problems);
  }

  private void check() {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      ShardSet.indexFile(directory)
          .ifPresent(index -> checkIndex(ShardIndex.read(index), checkpoint.totalBytes()));
      checkStaleFiles(checkpoint.shards());
      checkSideFiles(checkpoint);
      checkValues(checkpoint);
    } catch (SmeltException e) {
      problems.addAll(e.problems());
    }
  }

  private void checkIndex(ShardIndex index, long totalBytes) {
    if (!index.hasMetadata()) {
      problems.add(index.file() + ": metadata: expected an object, found none");
    }
    OptionalLong stated = index.totalSize();
    if (stated.isPresent() && stated.getAsLong() != totalBytes) {
      problems.add(
          "%s: metadata.total_size: expected %d, the bytes of all tensors, found %d"
              .formatted(index.file(), totalBytes, stated.getAsLong()));
    }
  }

  /** Weights that no index names would be loaded by some programs and ignored by others. */
  private void checkStaleFiles(List<Path> shards) {
    try (Stream<Path> entries = Files.list(directory)) {
      entries
          .filter(entry -> isModelFile(String.valueOf(entry.getFileName())))
          .filter(entry -> !shards.contains(entry) && !isCurrentIndex(entry))
          .sorted()
          .forEach(entry -> problems.add(entry + ": is stale: nothing refers to it"));
    } catch (IOException e) {
      problems.addAll(Failures.reading(directory, e).problems());
    }
  }

  private static boolean isModelFile(String name) {
    return name.startsWith("model")
        && (name.endsWith(".safetensors") || name.endsWith(".safetensors.index.json"));
  }

  private boolean isCurrentIndex(Path entry) {
    return ShardSet.indexFile(directory).filter(entry::equals).isPresent();
  }

  private void checkSideFiles(Checkpoint checkpoint) {
    try {
      checkpoint.sideFiles();
    } catch (SmeltException e) {
      problems.addAll(e.problems());
    }
  }

  private void checkValues(Checkpoint checkpoint) {
    List<String> found =
        checkpoint.tensors().values().parallelStream()
            .flatMap(tensor -> notFinite(checkpoint, tensor))
            .toList();
    problems.addAll(Failures.shortened(found));
  }

  private static Stream<String> notFinite(Checkpoint checkpoint, StoredTensor tensor) {
    OptionalLong index = NonFinite.first(tensor.dtype(), checkpoint.data(tensor));
    if (index.isEmpty()) {
      return Stream.empty();
    }
    return Stream.of(
        "%s: tensor %s: the value at %s is NaN or infinite"
            .formatted(
                tensor.file(),
                tensor.name(),
                NonFinite.coordinates(tensor.shape(), index.getAsLong())));
  }
}
