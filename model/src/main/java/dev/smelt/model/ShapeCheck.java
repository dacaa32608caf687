package dev.smelt.model;

import dev.smelt.io.Checkpoint;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Collects what is wrong with the tensors of a checkpoint, to report it at once. */
final class ShapeCheck {
  static final String HINT = "config.json and the weights must come from the same checkpoint";

  private static final int SHOWN = 10;

  private final Checkpoint checkpoint;
  private final List<String> problems = new ArrayList<>();

  ShapeCheck(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  void add(String problem) {
    problems.add(problem);
  }

  /** Whether a tensor is there. */
  boolean expectPresent(String name) {
    boolean present = checkpoint.find(name).isPresent();
    if (!present) {
      problems.add("tensor '" + name + "' is missing");
    }
    return present;
  }

  /** Whether a tensor is there and has a shape. */
  boolean expect(String name, long... shape) {
    List<Long> expected = Arrays.stream(shape).boxed().toList();
    Optional<StoredTensor> found = checkpoint.find(name);
    if (found.isEmpty()) {
      problems.add("tensor '" + name + "' is missing, expected shape " + expected);
      return false;
    }
    if (!found.get().shape().equals(expected)) {
      problems.add(
          "tensor '"
              + name
              + "' has shape "
              + found.get().shape()
              + ", but config.json says "
              + expected);
      return false;
    }
    return true;
  }

  /**
   * Reports the problems.
   *
   * @throws SmeltException if there are any
   */
  void throwIfAny() {
    if (problems.isEmpty()) {
      return;
    }
    List<String> shown = new ArrayList<>(problems.subList(0, Math.min(SHOWN, problems.size())));
    if (problems.size() > SHOWN) {
      shown.add("and " + (problems.size() - SHOWN) + " more");
    }
    List<String> located = shown.stream().map(p -> checkpoint.directory() + ": " + p).toList();
    throw SmeltException.all(Fault.CHECKPOINT, located, HINT);
  }
}
