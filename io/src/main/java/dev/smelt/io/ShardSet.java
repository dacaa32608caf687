package dev.smelt.io;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeSet;

/** Finds, opens and cross-checks the safetensors files of a directory. */
final class ShardSet {
  private static final String HINT =
      "The checkpoint is incomplete or mixes two downloads; download it again into a new"
          + " directory.";

  private final Path directory;
  private final Containment containment;
  private final List<String> problems = new ArrayList<>();
  private final LinkedHashMap<Path, SafetensorsFile> files = new LinkedHashMap<>();

  ShardSet(Path directory, Containment containment) {
    this.directory = directory;
    this.containment = containment;
  }

  /** The index that counts for this directory: none when there is a single file. */
  static Optional<Path> indexFile(Path directory) {
    Path index = directory.resolve(ShardIndex.NAME);
    boolean sharded = !Files.exists(directory.resolve(Checkpoint.SINGLE)) && Files.exists(index);
    return sharded ? Optional.of(index) : Optional.empty();
  }

  /** All files, in the order of their names; the caller closes them. */
  SequencedMap<Path, SafetensorsFile> open() {
    boolean done = false;
    try {
      Path single = directory.resolve(Checkpoint.SINGLE);
      Optional<Path> index = indexFile(directory);
      if (Files.exists(single)) {
        openFiles(List.of(Checkpoint.SINGLE));
      } else if (index.isPresent()) {
        openIndexed(ShardIndex.read(containment.require(index.get())));
      } else {
        throw noWeights();
      }
      if (!problems.isEmpty()) {
        throw SmeltException.all(Fault.CHECKPOINT, Failures.shortened(problems), HINT);
      }
      done = true;
      return files;
    } finally {
      if (!done) {
        files.values().forEach(SafetensorsFile::close);
      }
    }
  }

  private void openIndexed(ShardIndex index) {
    openFiles(List.copyOf(new TreeSet<>(index.shardOf().values())));
    if (problems.isEmpty()) {
      compare(index);
    }
  }

  /** Opens files in parallel: a large checkpoint has megabytes of headers. */
  private void openFiles(List<String> names) {
    List<Opened> opened = names.parallelStream().map(this::openFile).toList();
    for (Opened one : opened) {
      one.file.ifPresent(file -> files.put(file.path(), file));
      problems.addAll(one.problems);
    }
  }

  /** A file, or why it could not be opened. */
  private record Opened(Optional<SafetensorsFile> file, List<String> problems) {}

  private Opened openFile(String name) {
    try {
      SafetensorsFile file = SafetensorsFile.open(containment.require(name));
      return new Opened(Optional.of(file), List.of());
    } catch (SmeltException e) {
      return new Opened(Optional.empty(), e.problems());
    }
  }

  /** The index and the shards must promise and hold exactly the same tensors. */
  private void compare(ShardIndex index) {
    Map<String, SafetensorsFile> byName = new HashMap<>();
    for (String shard : index.shardOf().values()) {
      byName.computeIfAbsent(shard, name -> files.get(directory.resolve(name).normalize()));
    }
    index
        .shardOf()
        .forEach(
            (tensor, shard) -> {
              SafetensorsFile file = byName.get(shard);
              if (file == null || !file.tensors().containsKey(tensor)) {
                problems.add(
                    index.file()
                        + ": promises tensor "
                        + tensor
                        + " in "
                        + shard
                        + ", which does not hold it");
              }
            });
    int held = files.values().stream().mapToInt(file -> file.tensors().size()).sum();
    if (!problems.isEmpty() || held != index.shardOf().size()) {
      files.values().forEach(file -> nameUnpromised(file, index, byName));
    }
  }

  /** Names the tensors that a shard holds although the index does not say so. */
  private void nameUnpromised(
      SafetensorsFile file, ShardIndex index, Map<String, SafetensorsFile> byName) {
    for (String tensor : file.tensors().sequencedKeySet()) {
      String shard = index.shardOf().get(tensor);
      if (shard == null) {
        problems.add(file.path() + ": holds tensor " + tensor + ", which the index does not name");
      } else if (byName.get(shard) != file) {
        problems.add(
            file.path() + ": holds tensor " + tensor + ", which the index puts into " + shard);
      }
    }
  }

  private SmeltException noWeights() {
    return SmeltException.checkpoint(
        directory
            + ": expected "
            + Checkpoint.SINGLE
            + " or "
            + ShardIndex.NAME
            + ", found neither",
        "smelt reads safetensors only; save weights of another format with save_pretrained first.");
  }
}
