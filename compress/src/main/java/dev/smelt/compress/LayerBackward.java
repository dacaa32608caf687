package dev.smelt.compress;

import dev.smelt.io.Dtype;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.Expert;
import dev.smelt.model.ExpertPart;
import dev.smelt.model.ExpertSlots;
import dev.smelt.model.FeedForward;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeSet;

/**
 * One layer on the way back: it turns the gradient with respect to its output into that with
 * respect to its input, and adds up the squared gradients of its experts.
 *
 * <p>Everything lives in the scope in which it was made. Memory beside the layer: the squares, the
 * intermediate values of one sequence, and the gradients of a few experts at a time.
 */
final class LayerBackward {
  /** Bound on the elements of gradients that are there at once: 256 MiB in F32. */
  private static final long MAX_GRADIENTS = 64L << 20;

  private final DecoderLayer layer;
  private final List<Integer> map;
  private final List<List<Tensor>> leaves;
  private final List<SequencedMap<ExpertPart, Tensor>> squares;
  private final long[] counts;

  private LayerBackward(
      DecoderLayer layer,
      List<Integer> map,
      List<List<Tensor>> leaves,
      List<SequencedMap<ExpertPart, Tensor>> squares) {
    this.layer = layer;
    this.map = map;
    this.leaves = leaves;
    this.squares = squares;
    counts = new long[leaves.size()];
  }

  /** A layer without experts. */
  static LayerBackward dense(DecoderLayer layer) {
    return new LayerBackward(layer, List.of(), List.of(), List.of());
  }

  /** A layer with experts; one that several rows of the router choose is one set of weights. */
  static LayerBackward of(DecoderLayer layer, LayerShape shape) {
    MoeBlock block = ((FeedForward.Sparse) layer.feedForward()).block();
    List<Expert> stored = new ArrayList<>();
    List<List<Tensor>> leaves = new ArrayList<>();
    List<SequencedMap<ExpertPart, Tensor>> squares = new ArrayList<>();
    for (int e = 0; e < shape.experts(); e++) {
      Expert expert =
          block.experts().get(shape.row(e)).map((part, t) -> part.isBias() ? t : leaf(t));
      stored.add(expert);
      SequencedMap<ExpertPart, Tensor> own = CompactExpert.matricesOf(expert);
      leaves.add(List.copyOf(own.values()));
      own.replaceAll((_, matrix) -> Tensors.zeros(wide(matrix.dtype()), matrix.shape()));
      squares.add(own);
    }
    List<Expert> rows = shape.map().stream().map(stored::get).toList();
    DecoderLayer watched = layer.with(new FeedForward.Sparse(block.with(block.router(), rows)));
    return new LayerBackward(watched, shape.map(), leaves, squares);
  }

  private static Dtype wide(Dtype compute) {
    return compute.equals(Dtype.F64) ? Dtype.F64 : Dtype.F32;
  }

  /** The same values as a tensor of its own, whose gradient can be asked for. */
  private static Tensor leaf(Tensor values) {
    Tensor leaf = values.detach();
    Autograd.require(leaf);
    return leaf;
  }

  /**
   * Takes a sequence backward through the layer.
   *
   * @param sequence token ids
   * @param input what enters the layer, [T, H]
   * @param upstream gradient of the loss with respect to what leaves it, [T, H]
   * @param further whether the gradient with respect to what enters it is wanted
   * @return this gradient, [T, H]
   */
  Optional<Tensor> add(int[] sequence, Tensor input, Tensor upstream, boolean further) {
    try (var recording = Autograd.record()) {
      Tensor hidden = leaf(input.unsqueeze(0));
      Chosen chosen = new Chosen();
      Tensor output = layer.apply(hidden, new TokenBatch(List.of(sequence)), chosen);
      Tensor linear = output.mul(upstream.unsqueeze(0)).sum();
      for (List<Integer> some : parts(chosen.experts)) {
        addSquares(recording, linear, some);
      }
      return further
          ? Optional.of(recording.gradients(linear, List.of(hidden)).getFirst().select(0, 0))
          : Optional.empty();
    }
  }

  private void addSquares(Autograd recording, Tensor linear, List<Integer> some) {
    try (var _ = Scope.open()) {
      List<Tensor> parameters = some.stream().flatMap(e -> leaves.get(e).stream()).toList();
      List<Tensor> sums =
          some.stream()
              .map(squares::get)
              .map(SequencedMap::values)
              .flatMap(Collection::stream)
              .toList();
      List<Tensor> gradients = recording.someGradients(linear, parameters);
      for (int i = 0; i < sums.size(); i++) {
        Tensor gradient = gradients.get(i).to(sums.get(i).dtype());
        sums.get(i).addProductInPlace(gradient, gradient);
      }
    }
  }

  /** Experts in their order, few enough at a time that their gradients are bounded. */
  private List<List<Integer>> parts(Collection<Integer> experts) {
    List<List<Integer>> parts = new ArrayList<>();
    long room = 0;
    for (int e : experts) {
      long own = leaves.get(e).stream().mapToLong(Tensor::elements).sum();
      if (parts.isEmpty() || own > room) {
        parts.add(new ArrayList<>());
        room = MAX_GRADIENTS;
      }
      parts.getLast().add(e);
      room -= own;
    }
    return parts;
  }

  /** Notes the experts that tokens choose. */
  private final class Chosen implements MoeObserver {
    private final Collection<Integer> experts = new TreeSet<>();

    @Override
    public void computed(int index, ExpertSlots slots) {
      for (int row = 0; row < map.size(); row++) {
        long tokens = slots.offsets()[row + 1] - slots.offsets()[row];
        if (tokens > 0) {
          experts.add(map.get(row));
          counts[map.get(row)] += tokens;
        }
      }
    }
  }

  /** The squares so far, as means over so many sequences. */
  SquaredGradients squares(int sequences) {
    squares.forEach(own -> own.values().forEach(sum -> sum.mulInPlace(1.0 / sequences)));
    return new SquaredGradients(squares, counts.clone());
  }
}
