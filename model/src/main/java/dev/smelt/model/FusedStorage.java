package dev.smelt.model;

import dev.smelt.io.StoredTensor;
import dev.smelt.model.ExpertTensor.Kind;
import dev.smelt.model.ExpertTensor.Sliced;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * All experts of a layer in two tensors, with biases or without.
 *
 * @param gateUp gate and up of all experts; see {@link Order}
 * @param down down of all experts
 * @param form how the matrices of an expert work together
 * @param order how the entries are arranged
 * @param biases biases of both, if there are any
 */
public record FusedStorage(
    Matrix gateUp, Matrix down, ExpertForm form, Order order, Optional<Biases> biases)
    implements ExpertStorage {
  /** What follows the name of a matrix in the name of its MXFP4 blocks. */
  public static final String BLOCKS = "_blocks";

  /** How the entries are arranged. */
  public enum Order {
    /** [E, 2I, H], the rows of gate, then those of up; [E, H, I]. */
    ROWS,
    /** [E, H, 2I], the columns of gate, then those of up; [E, I, H]. */
    COLUMNS,
    /** [E, H, 2I], columns of gate and up in turn; [E, I, H]. */
    COLUMNS_IN_TURN,
    /** [E, 2I, H], rows of gate and up in turn; [E, H, I]. */
    ROWS_IN_TURN
  }

  /**
   * A matrix of every expert.
   *
   * @param values [E, rows, columns], or blocks of MXFP4: [E, rows, columns / 32, 16]
   * @param scales of MXFP4 values: [E, rows, columns / 32]
   */
  public record Matrix(StoredTensor values, Optional<StoredTensor> scales) {
    Tensor load(Weights weights, int e) {
      return scales.isPresent()
          ? Mxfp4.load(weights, values, scales.get(), e)
          : weights.own(values).select(0, e).to(weights.dtype());
    }

    long columns() {
      return scales.isPresent() ? values.dim(2) * Mxfp4.BLOCK : values.dim(2);
    }

    /** Where the transposed matrices would lie in BF16. */
    private Matrix transposed() {
      String name = values.name().substring(0, values.name().length() - BLOCKS.length());
      List<Long> shape = List.of(values.dim(0), columns(), values.dim(1));
      return new Matrix(ExpertTensor.planned(values, name, shape), Optional.empty());
    }

    private List<ExpertTensor> parts() {
      List<ExpertTensor> parts = new ArrayList<>();
      parts.add(new Sliced(values, Kind.WEIGHT, 0, 1));
      scales.ifPresent(s -> parts.add(new Sliced(s, Kind.QUANTISATION, 0, 1)));
      return parts;
    }
  }

  /**
   * Biases of all experts.
   *
   * @param gateUp [E, 2I], arranged as the matrix
   * @param down [E, H]
   */
  public record Biases(StoredTensor gateUp, StoredTensor down) {}

  @Override
  public int count() {
    return (int) gateUp.values().dim(0);
  }

  @Override
  public long width() {
    return switch (order) {
      case ROWS, ROWS_IN_TURN -> down.columns();
      case COLUMNS, COLUMNS_IN_TURN -> down.values().dim(1);
    };
  }

  @Override
  public Expert load(Weights weights, int e) {
    Tensor both = upright(gateUp.load(weights, e));
    return new Expert(
        half(both, 0),
        half(both, 1),
        upright(down.load(weights, e)),
        form,
        biases.map(b -> biases(weights, b, e)));
  }

  private Expert.Biases biases(Weights weights, Biases stored, int e) {
    Tensor both = weights.load(stored.gateUp()).select(0, e);
    return new Expert.Biases(
        half(both, 0), half(both, 1), weights.load(stored.down()).select(0, e));
  }

  /** From the order on disk to [out, in], or back. */
  private Tensor upright(Tensor matrix) {
    return switch (order) {
      case ROWS, ROWS_IN_TURN -> matrix;
      case COLUMNS, COLUMNS_IN_TURN -> matrix.transpose(0, 1);
    };
  }

  /** Gate (0) or up (1) of [2I, ..]. */
  private Tensor half(Tensor both, int which) {
    long width = both.size(0) / 2;
    return switch (order) {
      case ROWS, COLUMNS -> both.narrow(0, which * width, width);
      case ROWS_IN_TURN -> everySecond(both, which);
      case COLUMNS_IN_TURN ->
          both.rank() == 1
              ? everySecond(both, which)
              // as it lies in the file, [H, 2I]
              : both.transpose(0, 1)
                  .reshape(both.size(1), width, 2)
                  .select(2, which)
                  .contiguous()
                  .transpose(0, 1);
    };
  }

  private static Tensor everySecond(Tensor rows, int first) {
    long[] shape = rows.shape();
    long[] pairs =
        shape.length == 1 ? new long[] {shape[0] / 2, 2} : new long[] {shape[0] / 2, 2, shape[1]};
    return rows.reshape(pairs).select(1, first).contiguous();
  }

  @Override
  public SequencedMap<StoredTensor, Tensor> arrange(int e, Expert expert) {
    SequencedMap<StoredTensor, Tensor> arranged = new LinkedHashMap<>();
    arranged.put(gateUp.values(), upright(joined(expert.gate(), expert.up())));
    arranged.put(down.values(), upright(expert.down()));
    if (biases.isPresent()) {
      Expert.Biases values = expert.biases().orElseThrow();
      arranged.put(biases.get().gateUp(), joined(values.gate(), values.up()));
      arranged.put(biases.get().down(), values.down());
    }
    return arranged;
  }

  /** The opposite of {@link #half}. */
  private Tensor joined(Tensor gate, Tensor up) {
    return switch (order) {
      case ROWS, COLUMNS -> Tensors.concat(List.of(gate, up), 0);
      case ROWS_IN_TURN, COLUMNS_IN_TURN -> {
        Tensor pairs = Tensors.concat(List.of(gate.unsqueeze(1), up.unsqueeze(1)), 1);
        yield gate.rank() == 1 ? pairs.reshape(-1) : pairs.reshape(-1, gate.size(1));
      }
    };
  }

  /** In BF16 all matrices are [E, in, out], as GPT-OSS has them. */
  @Override
  public ExpertStorage unquantised() {
    return isQuantised()
        ? new FusedStorage(
            gateUp.transposed(),
            down.transposed(),
            form,
            order == Order.ROWS_IN_TURN ? Order.COLUMNS_IN_TURN : Order.COLUMNS,
            biases)
        : this;
  }

  @Override
  public ExpertStorage resized(long width) {
    boolean rows = order == Order.ROWS || order == Order.ROWS_IN_TURN;
    StoredTensor both = ExpertTensor.resized(gateUp.values(), rows ? 1 : 2, 2 * width);
    StoredTensor one = ExpertTensor.resized(down.values(), rows ? 2 : 1, width);
    return new FusedStorage(
        new Matrix(both, gateUp.scales()),
        new Matrix(one, down.scales()),
        form,
        order,
        biases.map(b -> new Biases(ExpertTensor.resized(b.gateUp(), 1, 2 * width), b.down())));
  }

  @Override
  public List<ExpertTensor> parts() {
    List<ExpertTensor> parts = new ArrayList<>();
    parts.addAll(gateUp.parts());
    parts.addAll(down.parts());
    biases.ifPresent(
        b -> {
          parts.add(new Sliced(b.gateUp(), Kind.BIAS, 0, 1));
          parts.add(new Sliced(b.down(), Kind.BIAS, 0, 1));
        });
    return parts;
  }
}
