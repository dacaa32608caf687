package dev.smelt.merge;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeLayer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The decisions of a stream, kept beside the finished layers, so that a run that goes on can report
 * those of layers that it does not plan again.
 */
public final class DecisionStore implements Consumer<LayerDecision> {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final Optional<Path> directory;
  private final SequencedMap<Integer, LayerDecision> decided = new LinkedHashMap<>();

  /** Keeps decisions in memory, and in a directory if one is given. */
  public DecisionStore(Optional<Path> directory) {
    this.directory = directory;
  }

  @Override
  public void accept(LayerDecision decision) {
    decided.put(decision.plan().layer(), decision);
    directory.ifPresent(path -> write(file(path, decision.plan().layer()), decision));
  }

  /**
   * The decisions about some layers, in their order.
   *
   * @throws SmeltException (checkpoint) if one was made in an earlier run and cannot be read
   */
  public List<LayerDecision> of(List<MoeLayer> layers) {
    List<LayerDecision> found = new ArrayList<>();
    for (MoeLayer moe : layers) {
      int layer = moe.layer();
      found.add(
          decided.containsKey(layer)
              ? decided.get(layer)
              : read(file(directory.orElseThrow(), layer)));
    }
    return List.copyOf(found);
  }

  private static Path file(Path directory, int layer) {
    return directory.resolve("decision-%03d.json".formatted(layer));
  }

  private static void write(Path file, LayerDecision decision) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, MAPPER.writeValueAsString(decision));
    } catch (IOException e) {
      throw new SmeltException(Fault.FAILED, file + ": cannot be written", "check its disk", e);
    }
  }

  private static LayerDecision read(Path file) {
    try {
      return MAPPER.readValue(Files.readString(file), LayerDecision.class);
    } catch (IOException | JacksonException e) {
      throw new SmeltException(
          Fault.CHECKPOINT,
          file + ": cannot be read",
          "Remove the directory and start the run again.",
          e);
    }
  }
}
