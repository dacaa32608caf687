package dev.smelt.model;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.FusedStorage.Order;
import dev.smelt.model.PerExpertStorage.StoredExpert;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where experts would lie in a stock checkpoint of a family: tensors that have a name, a type and a
 * shape, and nothing to load.
 *
 * @param block prefix of the block
 * @param count number of experts
 * @param width neurons of each
 * @param hidden size of the hidden state
 * @param dtype type of the values
 * @param form how the matrices of an expert work together
 * @param biased whether projections have biases
 */
record StockLayout(
    String block,
    int count,
    long width,
    long hidden,
    Dtype dtype,
    ExpertForm form,
    boolean biased) {
  private static final String PER_EXPERT = "per-expert";
  private static final String FLAT = "flat";

  /** The word for a storage in config.json. */
  static String name(ExpertStorage storage) {
    return switch (storage) {
      case PerExpertStorage _ -> PER_EXPERT;
      case FlatStorage _ -> FLAT;
      case FusedStorage fused -> fused.order().name().toLowerCase(Locale.ROOT);
      case CompactStorage compact -> name(compact.stock());
    };
  }

  /** The storage that a word stands for. */
  ExpertStorage storage(String name, ExpertRule rule) {
    return switch (name) {
      case PER_EXPERT -> perExpert(rule);
      case FLAT ->
          new FlatStorage(
              tensor("experts.mlp.w1", count * width, hidden),
              tensor("experts.mlp.v1", count * width, hidden),
              tensor("experts.mlp.w2", count * width, hidden),
              count,
              form);
      default -> fused(rule, Order.valueOf(name.toUpperCase(Locale.ROOT)));
    };
  }

  private StoredTensor tensor(String name, Long... shape) {
    TensorInfo info = new TensorInfo(block + name, dtype, List.of(shape));
    return new StoredTensor(info, Path.of(""), 0, info.bytes());
  }

  private ExpertStorage perExpert(ExpertRule rule) {
    List<StoredExpert> experts = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      String at = "experts." + e + ".";
      ExpertRule.Names names = rule.names;
      StoredTensor up = tensor(at + names.up() + ".weight", width, hidden);
      StoredTensor gate = form.gated() ? tensor(at + names.gate() + ".weight", width, hidden) : up;
      experts.add(new StoredExpert(gate, up, tensor(at + names.down() + ".weight", hidden, width)));
    }
    return new PerExpertStorage(
        experts, form, block + "experts.", Collections.nCopies(count, List.of()));
  }

  private ExpertStorage fused(ExpertRule rule, Order order) {
    boolean rows = order == Order.ROWS || order == Order.ROWS_IN_TURN;
    long all = count;
    StoredTensor both =
        rows
            ? tensor(rule.fusedGateUp, all, 2 * width, hidden)
            : tensor(rule.fusedGateUp, all, hidden, 2 * width);
    StoredTensor down =
        rows
            ? tensor(rule.fusedDown, all, hidden, width)
            : tensor(rule.fusedDown, all, width, hidden);
    return new FusedStorage(
        new FusedStorage.Matrix(both, Optional.empty()),
        new FusedStorage.Matrix(down, Optional.empty()),
        form,
        order,
        biased
            ? Optional.of(
                new FusedStorage.Biases(
                    tensor(rule.fusedGateUp + "_bias", all, 2 * width),
                    tensor(rule.fusedDown + "_bias", all, hidden)))
            : Optional.empty());
  }
}
