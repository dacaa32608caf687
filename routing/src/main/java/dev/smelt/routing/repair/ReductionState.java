package dev.smelt.routing.repair;

import dev.smelt.io.Fault;
import dev.smelt.io.FileTrees;
import dev.smelt.io.SmeltException;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.Router;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.TensorFile;
import dev.smelt.routing.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What an interrupted {@link SequentialReduction} needs to go on after its last finished layer.
 *
 * <p>A directory with {@code layer-000/}, ... for the finished layers, {@code states-000/} with the
 * hidden states after the last of them, {@code fit-001/} with the fit of the next one, and {@code
 * reduction.json}, which is written last and says what counts. A run that goes on gives the same
 * bytes as one that was never interrupted.
 */
public final class ReductionState {
  private static final String FILE = "reduction.json";
  private static final String ROUTER = "router";
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final Optional<Path> directory;
  private Progress progress;

  private ReductionState(Optional<Path> directory, Progress progress) {
    this.directory = directory;
    this.progress = progress;
  }

  /**
   * The content of {@code reduction.json}.
   *
   * @param key of the run
   * @param next the first layer that is not finished
   * @param finished layers with experts that are
   */
  record Progress(String key, int next, List<LayerRepair> finished) {
    Progress {
      finished = List.copyOf(finished);
    }
  }

  /** Nothing is stored: an interrupted run starts again. */
  public static ReductionState none() {
    return new ReductionState(Optional.empty(), new Progress("", 0, List.of()));
  }

  /**
   * Opens or begins the state of a run.
   *
   * @param directory where it is, or will be
   * @param key everything that decides the result: checkpoint, text, method and options; as a hash
   *     or in words
   * @throws SmeltException if the state belongs to a run with another key
   */
  public static ReductionState open(Path directory, String key) {
    Path file = directory.resolve(FILE);
    if (!Files.exists(file)) {
      return new ReductionState(Optional.of(directory), new Progress(key, 0, List.of()));
    }
    Progress progress = read(file);
    if (!progress.key().equals(key)) {
      throw SmeltException.usage(
          directory + ": belongs to another run, with other inputs or options",
          "Resume with the inputs and options of that run, or name another directory.");
    }
    return new ReductionState(Optional.of(directory), progress);
  }

  private static Progress read(Path file) {
    try {
      return MAPPER.readValue(Files.readString(file), Progress.class);
    } catch (IOException | JacksonException e) {
      throw new SmeltException(
          Fault.CHECKPOINT,
          file + ": is damaged",
          "Remove the directory and start the run again.",
          e);
    }
  }

  /** The first layer that is not finished. */
  public int next() {
    return progress.next();
  }

  /** What was done to the finished layers. */
  public List<LayerRepair> finished() {
    return progress.finished();
  }

  /** Makes a finished layer of what was stored of it. */
  @FunctionalInterface
  interface Reader {
    ReducedBlock read(LayerRepair repair, TensorFile file);
  }

  /** Gives the finished layers to a sink again. */
  void replay(Reader reader, ReducedLayerSink sink) {
    for (LayerRepair repair : progress.finished()) {
      try (TensorFile file = TensorFile.open(layer(repair.layer()));
          var _ = Scope.open()) {
        sink.accept(reader.read(repair, file), repair);
      }
    }
  }

  /**
   * A finished layer whose experts and router were stored.
   *
   * @param original the block before anything was done
   */
  static ReducedBlock read(MoeBlock original, LayerRepair repair, TensorFile file) {
    MoeBlock kept = ReducedBlock.keep(original, repair.survivors()).block();
    List<Expert> experts = new ArrayList<>();
    for (int e = 0; e < kept.experts().size(); e++) {
      int index = e;
      experts.add(kept.experts().get(e).map((part, _) -> file.tensor(name(index, part))));
    }
    Router router = kept.router().with(file.tensor(ROUTER));
    return new ReducedBlock(repair.survivors(), kept.with(router, experts).routedOnly());
  }

  private static String name(int expert, ExpertPart part) {
    return "experts." + expert + "." + part.name().toLowerCase(Locale.ROOT);
  }

  /** Sets the streams to what they were after the last finished layer. */
  void restore(Streams streams) {
    if (progress.next() == 0) {
      return;
    }
    try (TensorFile file = TensorFile.open(states(progress.next() - 1));
        var _ = Scope.open()) {
      streams
          .byName()
          .forEach(
              (name, states) -> {
                for (int i = 0; i < states.size(); i++) {
                  states.state(i).copyFrom(file.tensor(name + "." + i));
                }
              });
    }
  }

  /** Stores a finished block; it counts from the next {@link #finish} on. */
  void store(ReducedBlock block, LayerRepair repair) {
    if (directory.isEmpty()) {
      return;
    }
    TensorFile.write(layer(repair.layer()), tensors(block));
    List<LayerRepair> finished = new ArrayList<>(progress.finished());
    finished.add(repair);
    progress = new Progress(progress.key(), progress.next(), finished);
  }

  /** What is stored of a block: what was trained by its name, else router and experts. */
  private static SequencedMap<String, Tensor> tensors(ReducedBlock block) {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(ROUTER, block.block().router().weight());
    if (!block.tensors().isEmpty()) {
      block.tensors().forEach((stored, tensor) -> tensors.put(stored.name(), tensor));
      return tensors;
    }
    for (int e = 0; e < block.survivors().size(); e++) {
      int index = e;
      block
          .block()
          .experts()
          .get(e)
          .parts()
          .forEach((part, tensor) -> tensors.put(name(index, part), tensor));
    }
    return tensors;
  }

  /** Where the fit of a layer is stored. */
  TrainingState training(int layer) {
    return new TrainingState(directory.map(path -> path.resolve("fit-%03d".formatted(layer))));
  }

  /** Makes a layer count as finished. */
  void finish(int layer, Streams streams) {
    if (directory.isEmpty()) {
      return;
    }
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
    streams
        .byName()
        .forEach(
            (name, states) -> {
              for (int i = 0; i < states.size(); i++) {
                tensors.put(name + "." + i, states.state(i));
              }
            });
    TensorFile.write(states(layer), tensors);
    progress = new Progress(progress.key(), layer + 1, progress.finished());
    try {
      writeProgress();
      FileTrees.delete(training(layer).directory().orElseThrow());
      if (layer > 0) {
        FileTrees.delete(states(layer - 1));
      }
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private void writeProgress() throws IOException {
    Path file = directory.orElseThrow().resolve(FILE);
    Path fresh = directory.orElseThrow().resolve("." + FILE);
    Files.writeString(fresh, MAPPER.writeValueAsString(progress));
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Removes the state of a run that is complete. */
  public void discard() {
    directory.ifPresent(FileTrees::delete);
  }

  private SmeltException failed(IOException cause) {
    return new SmeltException(
        Fault.FAILED, directory.orElseThrow() + ": cannot be written", "", cause);
  }

  private Path layer(int layer) {
    return directory.orElseThrow().resolve("layer-%03d".formatted(layer));
  }

  private Path states(int layer) {
    return directory.orElseThrow().resolve("states-%03d".formatted(layer));
  }
}
