package dev.smelt.model;

import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.FusedStorage.Biases;
import dev.smelt.model.FusedStorage.Matrix;
import dev.smelt.model.FusedStorage.Order;
import dev.smelt.model.PerExpertStorage.StoredExpert;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds out how the experts of a layer lie on disk, and checks their shapes. */
final class ExpertReader {
  private static final String BLOCKS = FusedStorage.BLOCKS;
  private static final String SCALES = "_scales";

  private final ModelSource source;
  private final ShapeCheck check;
  private final ExpertRule rule;
  private final long hidden;
  private final long width;

  ExpertReader(ModelSource source, ShapeCheck check) {
    this.source = source;
    this.check = check;
    rule = source.family().experts;
    hidden = source.hidden();
    width = source.config().integer(rule.width);
  }

  /** The experts of a block whose router has rows for {@code count} of them. */
  ExpertStorage read(String block, int count) {
    String gateUp = block + rule.fusedGateUp;
    if (rule.flat) {
      return flat(block, count);
    }
    if (source.has(gateUp + BLOCKS)) {
      return mxfp4(gateUp, block + rule.fusedDown, count);
    }
    return source
        .find(gateUp)
        .<ExpertStorage>map(both -> fused(both, block + rule.fusedDown, count))
        .orElseGet(() -> perExpert(block + rule.each, count));
  }

  private ExpertStorage fused(StoredTensor gateUp, String downName, int count) {
    boolean rows = gateUp.shape().equals(List.of((long) count, 2 * width, hidden));
    boolean columns = gateUp.shape().equals(List.of((long) count, hidden, 2 * width));
    boolean upright = rows && !(columns && rule.fusedColumns);
    if (upright || !columns) {
      check.expect(gateUp.name(), count, 2 * width, hidden);
      check.expect(downName, count, hidden, width);
    } else {
      check.expect(downName, count, width, hidden);
    }
    Order straight = upright ? Order.ROWS : Order.COLUMNS;
    Order inTurn = upright ? Order.ROWS_IN_TURN : Order.COLUMNS_IN_TURN;
    return new FusedStorage(
        new Matrix(gateUp, Optional.empty()),
        new Matrix(source.checkpoint().require(downName), Optional.empty()),
        source.expertForm(),
        rule.fusedInTurn ? inTurn : straight,
        biases(gateUp.name(), downName, count));
  }

  private Optional<Biases> biases(String gateUp, String down, int count) {
    Optional<StoredTensor> first = source.find(gateUp + "_bias");
    Optional<StoredTensor> second = source.find(down + "_bias");
    if (first.isEmpty() || second.isEmpty()) {
      return Optional.empty();
    }
    check.expect(gateUp + "_bias", count, 2 * width);
    check.expect(down + "_bias", count, hidden);
    return Optional.of(new Biases(first.get(), second.get()));
  }

  private ExpertStorage mxfp4(String gateUp, String down, int count) {
    long block = Mxfp4.BLOCK;
    check.expect(gateUp + BLOCKS, count, 2 * width, hidden / block, block / 2);
    check.expect(down + BLOCKS, count, hidden, width / block, block / 2);
    check.expect(gateUp + SCALES, count, 2 * width, hidden / block);
    check.expect(down + SCALES, count, hidden, width / block);
    return new FusedStorage(
        quantised(gateUp),
        quantised(down),
        source.expertForm(),
        rule.fusedInTurn ? Order.ROWS_IN_TURN : Order.ROWS,
        biases(gateUp, down, count));
  }

  private Matrix quantised(String name) {
    return new Matrix(
        source.checkpoint().require(name + BLOCKS),
        Optional.of(source.checkpoint().require(name + SCALES)));
  }

  private ExpertStorage flat(String block, int count) {
    String at = block + "experts.mlp.";
    for (String name : List.of("w1", "v1", "w2")) {
      check.expect(at + name, count * width, hidden);
    }
    return new FlatStorage(
        source.checkpoint().require(at + "w1"),
        source.checkpoint().require(at + "v1"),
        source.checkpoint().require(at + "w2"),
        count,
        source.expertForm());
  }

  private ExpertStorage perExpert(String prefix, int count) {
    List<StoredExpert> experts = new ArrayList<>();
    List<List<StoredTensor>> scales = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      stored(prefix + e + ".").ifPresent(experts::add);
    }
    for (StoredExpert expert : experts) {
      scales.add(
          expert.matrices().stream()
              .flatMap(matrix -> source.find(matrix.name() + Fp8.SCALES).stream())
              .toList());
    }
    checkNoMore(prefix, count);
    return new PerExpertStorage(experts, source.expertForm(), prefix, scales);
  }

  private Optional<StoredExpert> stored(String prefix) {
    ExpertRule.Names names = rule.names;
    String gate = prefix + (rule.gated ? names.gate() : names.up()) + ".weight";
    String up = prefix + names.up() + ".weight";
    String down = prefix + names.down() + ".weight";
    boolean complete = check.expect(up, width, hidden);
    complete = check.expect(down, hidden, width) && complete;
    complete = (!rule.gated || check.expect(gate, width, hidden)) && complete;
    return complete
        ? Optional.of(new StoredExpert(require(gate), require(up), require(down)))
        : Optional.empty();
  }

  private void checkNoMore(String prefix, int count) {
    if (!rule.identities && source.has(prefix + count + "." + rule.names.up() + ".weight")) {
      check.add("'" + prefix + count + "' exists, but the router has only " + count + " rows");
    }
  }

  private StoredTensor require(String name) {
    return source
        .find(name)
        .orElseThrow(() -> SmeltException.checkpoint("tensor '" + name + "' is missing", ""));
  }
}
