package dev.smelt.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * Writes a checkpoint as a stream: all shapes first, then the tensors in any order.
 *
 * <p>Everything goes into a hidden directory beside the target. {@link #commit} syncs it, reads it
 * back and gives it its name; without a commit nothing stays, also after an interruption. Only one
 * thread may use a writer at a time. The memory it needs does not depend on the checkpoint's size.
 */
public final class CheckpointWriter implements AutoCloseable {
  private final OutputDirectory directory;
  private final List<ShardPlan> shards;
  private final Map<String, StoredTensor> targets = new LinkedHashMap<>();
  private final Map<Path, ShardOutput> outputs = new LinkedHashMap<>();
  private final Map<Path, FileChannel> sources = new LinkedHashMap<>();
  private final Set<Path> ownFiles = new LinkedHashSet<>();
  private final ByteBuffer buffer = ShardOutput.newBuffer();
  private final ExecutorService background =
      Executors.newFixedThreadPool(
          3, task -> Thread.ofPlatform().name("smelt-readback").daemon().unstarted(task));

  private CheckpointWriter(OutputDirectory directory, List<ShardPlan> shards) {
    this.directory = directory;
    this.shards = shards;
    for (ShardPlan shard : shards) {
      shard.tensors().forEach(tensor -> targets.put(tensor.name(), tensor));
    }
  }

  /**
   * Checks an output before the work for it begins; {@link #create} checks it again.
   *
   * @param target the directory to be written
   * @param force whether an old target may be replaced
   * @throws SmeltException {@link Fault#USAGE} if the target exists and may not be replaced
   */
  public static void requireTarget(Path target, boolean force) {
    OutputDirectory.checked(target, force);
  }

  /**
   * Plans the files and creates them in full size under a temporary name.
   *
   * @param target the directory that {@link #commit} will create
   * @param tensors all tensors in the order of the model, which decides the sharding
   * @param options shard size and whether an old target may be replaced
   * @throws SmeltException {@link Fault#USAGE} if the target exists, {@link Fault#RESOURCES} if the
   *     disk is too small, {@link Fault#FAILED} if the target cannot be written
   */
  public static CheckpointWriter create(
      Path target, List<TensorInfo> tensors, WriterOptions options) {
    requireUnique(tensors);
    long bytes = fileBytes(tensors, options);
    OutputDirectory directory = OutputDirectory.create(target, options.force(), bytes);
    List<ShardPlan> shards =
        ShardPlan.plan(directory.temporary(), tensors, options.maxShardBytes());
    CheckpointWriter writer = new CheckpointWriter(directory, shards);
    try {
      for (ShardPlan shard : shards) {
        directory.change(() -> ShardOutput.preallocate(shard));
      }
      return writer;
    } catch (RuntimeException e) {
      writer.close();
      throw e;
    }
  }

  /** Bytes of all safetensors files, headers included, of tensors that would be written. */
  public static long fileBytes(List<TensorInfo> tensors, WriterOptions options) {
    return ShardPlan.plan(Path.of(""), tensors, options.maxShardBytes()).stream()
        .mapToLong(ShardPlan::fileBytes)
        .sum();
  }

  private static void requireUnique(List<TensorInfo> tensors) {
    Set<String> names = new LinkedHashSet<>();
    for (TensorInfo tensor : tensors) {
      if (!names.add(tensor.name())) {
        throw Failures.bug("tensor " + tensor.name() + " is planned twice");
      }
    }
  }

  /**
   * Writes a computed tensor completely.
   *
   * @param name a planned tensor
   * @param data its values in little endian, of exactly the planned size
   * @throws SmeltException {@link Fault#FAILED} if a floating value is NaN or infinite
   */
  public void write(String name, MemorySegment data) {
    StoredTensor target = target(name);
    if (data.byteSize() != target.bytes()) {
      throw Failures.bug(
          "tensor %s: %s %s takes %d bytes, given %d"
              .formatted(name, target.dtype(), target.shape(), target.bytes(), data.byteSize()));
    }
    writeSlice(name, 0, data);
  }

  /**
   * Writes a part of a computed tensor, such as one expert of a fused one; {@link #commit} insists
   * that the parts together cover the tensor.
   *
   * @param byteOffset where the part begins within the tensor, at an element
   * @param data the values in little endian
   * @throws SmeltException {@link Fault#FAILED} if a floating value is NaN or infinite
   */
  public void writeSlice(String name, long byteOffset, MemorySegment data) {
    StoredTensor target = target(name);
    requireInside(target, byteOffset, data.byteSize());
    requireFinite(target, byteOffset, data);
    onShard(target, output -> output.write(target, byteOffset, data));
  }

  /** Copies a whole tensor of a checkpoint byte by byte, whatever its values are. */
  public void copy(String name, StoredTensor source) {
    StoredTensor target = target(name);
    if (source.bytes() != target.bytes() || !source.dtype().equals(target.dtype())) {
      throw Failures.bug(
          "tensor %s: planned as %s of %d bytes, copied from %s of %d bytes"
              .formatted(name, target.dtype(), target.bytes(), source.dtype(), source.bytes()));
    }
    copySlice(name, 0, source, 0, source.bytes());
  }

  /**
   * Copies a part of a tensor byte by byte.
   *
   * @param byteOffset where the part begins in the target tensor
   * @param sourceByteOffset where it begins in the source tensor
   * @param bytes its length
   */
  public void copySlice(
      String name, long byteOffset, StoredTensor source, long sourceByteOffset, long bytes) {
    StoredTensor target = target(name);
    requireInside(target, byteOffset, bytes);
    requireInside(source, sourceByteOffset, bytes);
    FileChannel channel = source(source.file());
    long from = source.offset() + sourceByteOffset;
    onShard(target, output -> output.copy(target, byteOffset, channel, from, bytes));
  }

  /**
   * Writes a text file, such as config.json or a report; a later one of the same name wins.
   *
   * @param relativeName the name within the checkpoint directory
   * @param utf8 the text
   */
  public void writeFile(String relativeName, String utf8) {
    writeFile(relativeName, utf8.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Writes a file, such as a picture; a later one of the same name wins.
   *
   * @param relativeName the name within the checkpoint directory
   * @param bytes the content
   */
  public void writeFile(String relativeName, byte[] bytes) {
    Path relative = Path.of(relativeName).normalize();
    if (relativeName.isEmpty() || relative.isAbsolute() || relative.startsWith("..")) {
      throw Failures.bug("file name '" + relativeName + "' leaves the output directory");
    }
    ownFiles.add(relative);
    directory.change(
        () -> {
          Path file = directory.temporary().resolve(relative);
          createParents(file);
          Files.write(file, bytes);
          sync(file);
        });
  }

  /**
   * Takes over the {@linkplain Checkpoint#sideFiles side files} of a checkpoint, except those that
   * {@link #writeFile} has written.
   *
   * @param except names of files that are not taken over
   */
  public void copySideFiles(Checkpoint source, String... except) {
    Set<Path> left = Arrays.stream(except).map(Path::of).collect(Collectors.toSet());
    for (Path file : source.sideFiles()) {
      Path relative = source.directory().relativize(file);
      requireOutsideTarget(file);
      if (!ownFiles.contains(relative) && !left.contains(relative)) {
        directory.change(
            () -> {
              Path copy = directory.temporary().resolve(relative);
              createParents(copy);
              Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
              sync(copy);
            });
      }
    }
  }

  /**
   * Completes the checkpoint: every tensor must be there; files are synced, read back and compared
   * with what was written; then the directory gets its name.
   */
  public WrittenCheckpoint commit() {
    requireComplete();
    if (shards.size() > 1) {
      writeFile(ShardIndex.NAME, ShardPlan.index(shards));
    }
    try {
      for (ShardPlan shard : shards) {
        output(shard.file()).finish();
      }
    } catch (CompletionException e) {
      throw unwrapped(e);
    } catch (IOException e) {
      throw Failures.writing(directory.target(), e);
    }
    shards.forEach(CheckpointWriter::requireHeader);
    closeFiles();
    directory.publish();
    return new WrittenCheckpoint(
        directory.target(),
        targets.values().stream().mapToLong(StoredTensor::bytes).sum(),
        shards.stream().mapToLong(ShardPlan::fileBytes).sum(),
        shards.size(),
        targets.size());
  }

  private void requireComplete() {
    List<String> missing = new ArrayList<>();
    for (ShardPlan shard : shards) {
      try {
        missing.addAll(output(shard.file()).incomplete());
      } catch (IOException e) {
        throw Failures.writing(directory.target(), e);
      }
    }
    if (!missing.isEmpty()) {
      throw Failures.bug(
          missing.size()
              + " of "
              + targets.size()
              + " tensors were not written completely: "
              + Failures.shortened(missing));
    }
  }

  /** Reads a header as any other program would, and compares it with the plan. */
  private static void requireHeader(ShardPlan shard) {
    try (SafetensorsFile file = SafetensorsFile.open(shard.file())) {
      if (file.size() != shard.fileBytes()
          || !List.copyOf(file.tensors().values()).equals(shard.tensors())) {
        throw new SmeltException(
            Fault.FAILED,
            shard.file() + ": the header that was read back is not the one that was written",
            "The disk is faulty, or another program changed the file.");
      }
    }
  }

  private StoredTensor target(String name) {
    StoredTensor target = targets.get(name);
    if (target == null) {
      throw Failures.bug("tensor " + name + " was not planned");
    }
    return target;
  }

  private static void requireInside(StoredTensor tensor, long byteOffset, long bytes) {
    if (byteOffset < 0 || bytes < 0 || byteOffset > tensor.bytes() - bytes) {
      throw Failures.bug(
          "tensor %s of %d bytes has no part of %d bytes at %d"
              .formatted(tensor.name(), tensor.bytes(), bytes, byteOffset));
    }
  }

  private static void requireFinite(StoredTensor target, long byteOffset, MemorySegment data) {
    int width = Math.max(1, target.dtype().bytes());
    if (byteOffset % width != 0 || data.byteSize() % width != 0) {
      throw Failures.bug("tensor " + target.name() + ": a part must begin and end at an element");
    }
    NonFinite.first(target.dtype(), data)
        .ifPresent(
            index -> {
              long element = byteOffset / width + index;
              throw new SmeltException(
                  Fault.FAILED,
                  "tensor %s: the value at %s is NaN or infinite"
                      .formatted(target.name(), NonFinite.coordinates(target.shape(), element)),
                  "Check the input with smelt verify; if it is sound, try --compute f32.");
            });
  }

  /** Work on the file of a shard. */
  @FunctionalInterface
  private interface ShardWork {
    void run(ShardOutput output) throws IOException;
  }

  private void onShard(StoredTensor target, ShardWork work) {
    try {
      work.run(output(target.file()));
    } catch (IOException e) {
      throw Failures.writing(directory.target(), e);
    }
  }

  private ShardOutput output(Path file) throws IOException {
    ShardOutput output = outputs.get(file);
    if (output == null) {
      ShardPlan plan =
          shards.stream().filter(shard -> shard.file().equals(file)).findFirst().orElseThrow();
      output = new ShardOutput(plan, background, buffer);
      outputs.put(file, output);
    }
    return output;
  }

  private FileChannel source(Path file) {
    FileChannel channel = sources.get(file);
    if (channel == null) {
      requireOutsideTarget(file);
      try {
        channel = FileChannel.open(file, StandardOpenOption.READ);
      } catch (IOException e) {
        throw Failures.reading(file, e);
      }
      sources.put(file, channel);
    }
    return channel;
  }

  /** An input is never replaced by the output that is made from it. */
  private void requireOutsideTarget(Path file) {
    try {
      Path target = directory.target();
      Path real = file.toRealPath();
      if (Files.exists(target) && real.startsWith(target.toRealPath())) {
        throw SmeltException.usage(
            target + ": is the input too, and would be replaced", "Choose another output.");
      }
    } catch (IOException e) {
      throw Failures.reading(file, e);
    }
  }

  private static void createParents(Path file) throws IOException {
    Path parent = file.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
  }

  private static void sync(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  private RuntimeException unwrapped(CompletionException e) {
    return switch (e.getCause()) {
      case SmeltException smelt -> smelt;
      case UncheckedIOException io -> Failures.writing(directory.target(), io.getCause());
      case null, default -> e;
    };
  }

  private void closeFiles() {
    background.shutdownNow();
    List<AutoCloseable> files = new ArrayList<>(outputs.values());
    files.addAll(sources.values());
    outputs.clear();
    sources.clear();
    for (AutoCloseable file : files) {
      try {
        file.close();
      } catch (Exception e) {
        throw new SmeltException(
            Fault.FAILED, directory.target() + ": a file cannot be closed", "", e);
      }
    }
  }

  /** Removes everything that was written, unless it was committed. */
  @Override
  public void close() {
    try {
      closeFiles();
    } finally {
      directory.discard();
    }
  }
}
