package dev.smelt.routing.repair;

import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.Expert;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * A block with fewer experts, and where they come from.
 *
 * @param survivors for each expert of the block the index of the expert in the original layer that
 *     it was, or that leads its group; no index twice
 * @param block router rows and experts in the order of the survivors; rows that stand for no
 *     weights follow
 * @param tensors for a layer that was trained as it is stored, what has changed, in the types of
 *     the checkpoint; else empty, and the block's own parts are what is written
 */
public record ReducedBlock(
    List<Integer> survivors, MoeBlock block, SequencedMap<StoredTensor, Tensor> tensors) {
  /** Copies the list and checks that it fits the block. */
  public ReducedBlock {
    survivors = List.copyOf(survivors);
    tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    int experts = block.experts().size();
    if (survivors.size() != experts || survivors.stream().distinct().count() != experts) {
      throw new IllegalArgumentException(experts + " experts, survivors " + survivors);
    }
    if (block.router().experts() < experts || experts < block.router().topK()) {
      throw SmeltException.usage(
          "%d experts are left, the router has %d rows and chooses %d"
              .formatted(experts, block.router().experts(), block.router().topK()),
          "Keep at least as many experts as the router chooses for a token.");
    }
  }

  /** A block whose own parts are what is written. */
  public ReducedBlock(List<Integer> survivors, MoeBlock block) {
    this(survivors, block, new LinkedHashMap<>());
  }

  /** A block with all of its experts. */
  static ReducedBlock whole(MoeBlock block) {
    return new ReducedBlock(IntStream.range(0, block.experts().size()).boxed().toList(), block);
  }

  /**
   * Drops all experts but the survivors; tensors of experts are shared, not copied. Router rows
   * that stand for no weights stay.
   */
  public static ReducedBlock keep(MoeBlock original, List<Integer> survivors) {
    int all = original.experts().size();
    IntStream kept = survivors.stream().mapToInt(Integer::intValue);
    IntStream extra = IntStream.range(all, original.router().experts());
    Tensor rows = Tensors.ofInts(IntStream.concat(kept, extra).toArray());
    List<Expert> experts = new ArrayList<>();
    survivors.forEach(e -> experts.add(original.experts().get(e)));
    return new ReducedBlock(survivors, original.with(original.router().select(rows), experts));
  }
}
