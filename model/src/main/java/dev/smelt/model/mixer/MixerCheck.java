package dev.smelt.model.mixer;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Compares the tensors of one mixer with what config.json says, to report all problems at once. */
final class MixerCheck {
  private final Checkpoint checkpoint;
  private final String prefix;
  private final List<String> problems = new ArrayList<>();

  MixerCheck(Checkpoint checkpoint, String prefix) {
    this.checkpoint = checkpoint;
    this.prefix = prefix;
  }

  /**
   * Refuses every activation but SiLU.
   *
   * @param field the config field that names the activation
   */
  static void silu(ModelConfig config, String field) {
    String activation = config.text(field, "silu");
    if (!activation.equals("silu") && !activation.equals("swish")) {
      throw SmeltException.unsupported(
          config.origin()
              + ": "
              + field
              + " '"
              + activation
              + "' is not supported in a recurrent layer",
          "supported: silu");
    }
  }

  /** A tensor must be there and have a shape. */
  MixerCheck shape(String name, long... shape) {
    List<Long> expected = Arrays.stream(shape).boxed().toList();
    found(name, "shape " + expected)
        .filter(stored -> !stored.shape().equals(expected))
        .ifPresent(stored -> differs(stored, expected.toString()));
    return this;
  }

  /** A tensor must be there and have so many elements, in whatever shape. */
  MixerCheck elements(String name, long count) {
    found(name, count + " elements")
        .filter(stored -> stored.shape().stream().reduce(1L, (a, b) -> a * b) != count)
        .ifPresent(stored -> differs(stored, count + " elements"));
    return this;
  }

  /** A number of heads or channels must be a multiple of another. */
  MixerCheck divides(String what, long count, String by, long divisor) {
    if (divisor < 1 || count < 1 || count % divisor != 0) {
      problems.add(what + " (" + count + ") is not a multiple of " + by + " (" + divisor + ")");
    }
    return this;
  }

  private Optional<StoredTensor> found(String name, String expected) {
    Optional<StoredTensor> found = checkpoint.find(prefix + name);
    if (found.isEmpty()) {
      problems.add("tensor '" + prefix + name + "' is missing, expected " + expected);
    }
    return found;
  }

  private void differs(StoredTensor stored, String expected) {
    problems.add(
        "tensor '"
            + stored.name()
            + "' has shape "
            + stored.shape()
            + ", but config.json says "
            + expected);
  }

  /**
   * Reports the problems.
   *
   * @throws SmeltException if there are any
   */
  void throwIfAny() {
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.CHECKPOINT,
          problems.stream().map(problem -> checkpoint.directory() + ": " + problem).toList(),
          "config.json and the weights must come from the same checkpoint");
    }
  }
}
