package dev.smelt.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * A checkpoint directory, open for reading: its tensors, its config.json and its other files.
 *
 * <p>{@code model.safetensors} wins over an index, as in transformers. Opening reads and checks
 * every header and the index; values are mapped when they are used. Nothing is ever modified.
 */
public final class Checkpoint implements AutoCloseable {
  /** The file of a checkpoint that is not sharded. */
  static final String SINGLE = "model.safetensors";

  /** The configuration of the model. */
  static final String CONFIG = "config.json";

  private final Path directory;
  private final ConfigDocument config;
  private final SequencedMap<Path, SafetensorsFile> files;
  private final SequencedMap<String, StoredTensor> tensors;

  private Checkpoint(
      Path directory, ConfigDocument config, SequencedMap<Path, SafetensorsFile> files) {
    this.directory = directory;
    this.config = config;
    this.files = files;
    int count = files.values().stream().mapToInt(file -> file.tensors().size()).sum();
    LinkedHashMap<String, StoredTensor> all = LinkedHashMap.newLinkedHashMap(count);
    for (SafetensorsFile file : files.values()) {
      all.putAll(file.tensors());
    }
    this.tensors = Collections.unmodifiableSequencedMap(all);
  }

  /**
   * Opens a directory and checks headers and index.
   *
   * @throws SmeltException {@link Fault#CHECKPOINT} with all problems that were found
   */
  public static Checkpoint open(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw SmeltException.checkpoint(
          directory + (Files.exists(directory) ? ": not a directory" : ": no such directory"),
          "Give the directory that holds config.json and the safetensors files.");
    }
    Containment containment = Containment.of(directory);
    ConfigDocument config = ConfigDocument.read(containment.require(CONFIG));
    return new Checkpoint(directory, config, new ShardSet(directory, containment).open());
  }

  /** The directory as it was given. */
  public Path directory() {
    return directory;
  }

  /** The parsed config.json. */
  public ConfigDocument config() {
    return config;
  }

  /** All tensors by name: in file order, then in the order of their offsets. */
  public SequencedMap<String, StoredTensor> tensors() {
    return tensors;
  }

  /** The tensor of this name, if there is one. */
  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * The tensor of this name.
   *
   * @throws SmeltException {@link Fault#CHECKPOINT} if there is none
   */
  public StoredTensor require(String name) {
    StoredTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw SmeltException.checkpoint(
          directory + ": there is no tensor " + name + " among " + tensors.size(),
          "The checkpoint is incomplete or of another architecture than its config.json says.");
    }
    return tensor;
  }

  /** The values: read-only, little endian, valid until this checkpoint is closed. */
  public MemorySegment data(StoredTensor tensor) {
    SafetensorsFile file = files.get(tensor.file());
    if (file == null) {
      throw Failures.bug(
          "tensor " + tensor.name() + " of " + tensor.file() + " is not of " + directory);
    }
    return file.data(tensor);
  }

  /** The values of the tensor of this name; see {@link #data(StoredTensor)}. */
  public MemorySegment data(String name) {
    return data(require(name));
  }

  /** The safetensors files, in file order. */
  public List<Path> shards() {
    return List.copyOf(files.sequencedKeySet());
  }

  /**
   * The files that a rewritten checkpoint takes over, sorted: everything but weights in any format,
   * indexes, config.json, hidden files, and reports of earlier runs.
   *
   * @throws SmeltException {@link Fault#CHECKPOINT} if one is a link that leaves the directory
   */
  public List<Path> sideFiles() {
    try {
      return SideFiles.list(directory, Containment.of(directory));
    } catch (IOException e) {
      throw Failures.reading(directory, e);
    }
  }

  /** The bytes of all tensors, without headers. */
  public long totalBytes() {
    return tensors.values().stream().mapToLong(StoredTensor::bytes).sum();
  }

  /**
   * Identifies the checkpoint: SHA-256, in hexadecimal, over config.json and over name, size,
   * header and evenly spaced samples of every shard. Reads a few hundred kilobytes, not the model:
   * a change of few values can escape it.
   */
  public String fingerprint() {
    return Fingerprint.of(config, files.sequencedKeySet());
  }

  /**
   * Gives back the physical memory that reading tensors has taken, so that a walk over the layers
   * of a large model does not fill it. What was read stays valid.
   */
  public void releasePages() {
    files.values().forEach(SafetensorsFile::releasePages);
  }

  /** Closes all files; memory from {@link #data} must not be used any more. */
  @Override
  public void close() {
    files.values().forEach(SafetensorsFile::close);
  }
}
