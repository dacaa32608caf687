package dev.smelt.io;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Compares two checkpoints tensor by tensor, however they are sharded. Values are streamed from the
 * mapped files: the memory needed does not depend on their size.
 */
public final class CheckpointDiff {
  private final Checkpoint a;
  private final Checkpoint b;

  private CheckpointDiff(Checkpoint a, Checkpoint b) {
    this.a = a;
    this.b = b;
  }

  /** Compares all tensors and all config.json fields; both checkpoints stay open. */
  public static Diff between(Checkpoint a, Checkpoint b) {
    CheckpointDiff diff = new CheckpointDiff(a, b);
    return new Diff(diff.tensors(), diff.config());
  }

  private List<Diff.TensorDifference> tensors() {
    List<Diff.TensorDifference> found = new ArrayList<>();
    a.tensors().values().parallelStream().map(this::compare).forEachOrdered(found::add);
    for (StoredTensor second : b.tensors().values()) {
      if (a.find(second.name()).isEmpty()) {
        found.add(lonely(Diff.Kind.ADDED, second));
      }
    }
    return found;
  }

  private Diff.TensorDifference compare(StoredTensor first) {
    return b.find(first.name())
        .map(second -> compare(first, second))
        .orElseGet(() -> lonely(Diff.Kind.GONE, first));
  }

  private static Diff.TensorDifference lonely(Diff.Kind kind, StoredTensor tensor) {
    Optional<TensorInfo> info = Optional.of(tensor.info());
    return kind == Diff.Kind.GONE
        ? difference(tensor, kind, info, Optional.empty(), Optional.empty())
        : difference(tensor, kind, Optional.empty(), info, Optional.empty());
  }

  private Diff.TensorDifference compare(StoredTensor first, StoredTensor second) {
    Optional<TensorInfo> one = Optional.of(first.info());
    Optional<TensorInfo> two = Optional.of(second.info());
    MemorySegment x = a.data(first);
    MemorySegment y = b.data(second);
    if (one.equals(two) && x.mismatch(y) < 0) {
      return difference(first, Diff.Kind.EQUAL, one, two, Optional.empty());
    }
    boolean comparable =
        first.shape().equals(second.shape())
            && first.dtype().isFloating()
            && second.dtype().isFloating();
    Optional<Diff.Change> change =
        comparable
            ? Optional.of(ValueDistance.between(first.dtype(), x, second.dtype(), y))
            : Optional.empty();
    return difference(first, Diff.Kind.CHANGED, one, two, change);
  }

  private static Diff.TensorDifference difference(
      StoredTensor tensor,
      Diff.Kind kind,
      Optional<TensorInfo> first,
      Optional<TensorInfo> second,
      Optional<Diff.Change> change) {
    return new Diff.TensorDifference(tensor.name(), kind, first, second, change);
  }

  private List<Diff.FieldDifference> config() {
    List<Diff.FieldDifference> found = new ArrayList<>();
    compare("", a.config().root(), b.config().root(), found);
    return found;
  }

  private static void compare(
      String prefix, JsonNode first, JsonNode second, List<Diff.FieldDifference> found) {
    for (String name : first.propertyNames()) {
      compareField(prefix + name, first.get(name), second.path(name), found);
    }
    for (String name : second.propertyNames()) {
      if (!first.has(name)) {
        compareField(prefix + name, first.path(name), second.get(name), found);
      }
    }
  }

  private static void compareField(
      String path, JsonNode first, JsonNode second, List<Diff.FieldDifference> found) {
    if (first.isObject() && second.isObject()) {
      compare(path + ".", first, second, found);
    } else if (!first.equals(second)) {
      found.add(new Diff.FieldDifference(path, json(first), json(second)));
    }
  }

  private static Optional<String> json(JsonNode node) {
    return node.isMissingNode() ? Optional.empty() : Optional.of(node.toString());
  }
}
