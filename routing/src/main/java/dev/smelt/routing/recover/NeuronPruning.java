package dev.smelt.routing.recover;

import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.CompactStorage;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.compact.Piece;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Prunes the neurons that a compact student keeps beside its factors while it is trained, all
 * matrices of the model by one threshold (Li et al., "LoSparse", ICML 2023; "Merge, Then Compress",
 * ICLR 2024, section 3.2).
 *
 * <p>The importance of a neuron is the mean over its entries s of {@code |s * dL/ds|}, smoothed
 * over the steps: {@code I = 0.85 I + 0.15 |s * dL/ds|}, with s after the step and the limited
 * gradient of the step. After each step the least important neurons become zero. They still have
 * gradients and may come back.
 *
 * <p>Deliberate differences from the reference: neurons are rows of gate and up and columns of
 * down, not outputs of every layer; the smoothed importance includes the present step and not only
 * those before; each matrix keeps at least one neuron; what has become zero is left out of the
 * file.
 *
 * <p>Memory: one number for each neuron.
 */
public final class NeuronPruning {
  private static final double DECAY = 0.85;

  private final List<Neurons> matrices;
  private final List<Tensor> importance = new ArrayList<>();
  private final long entries;
  private final PruningSchedule schedule;
  private int made;

  /**
   * The kept neurons of a matrix.
   *
   * @param layer index of the decoder layer
   * @param expert number of the stored expert
   * @param form the matrix at the start
   * @param kept the tensor of the neurons
   * @param position of that tensor among those that are trained
   */
  record Neurons(int layer, int expert, MatrixForm form, StoredTensor kept, int position) {
    /** Entries of a neuron. */
    long entries() {
      return form.neuronDimension() == 0 ? form.columns() : form.rows();
    }

    /** A number for each neuron, in a shape that multiplies the tensor. */
    Tensor shaped(Tensor numbers) {
      return form.neuronDimension() == 0 ? numbers.reshape(-1, 1) : numbers.reshape(1, -1);
    }
  }

  /**
   * Prepares a pruning; its tensors belong to the open scope.
   *
   * @param model a student in compact form
   * @param trained the tensors that are trained
   * @param keep share of all neurons that is left at the end
   * @param steps of the training
   * @throws IllegalArgumentException unless the student keeps more neurons than that
   */
  public NeuronPruning(MoeModel model, List<StoredTensor> trained, double keep, int steps) {
    matrices = neurons(model, trained);
    entries = matrices.stream().mapToLong(m -> m.form().rows() * m.form().columns()).sum();
    double from = share(model);
    if (!(keep > 0 && keep < from)) {
      throw new IllegalArgumentException("keep " + keep + " of " + from);
    }
    schedule = new PruningSchedule(from, keep, steps);
    matrices.forEach(m -> importance.add(Tensors.zeros(Dtype.F64, m.form().kept())));
  }

  /** The share of neurons that a model keeps beside factors; 0 without any. */
  public static double share(MoeModel model) {
    List<Neurons> all = neurons(model, model.decoderTensors());
    long whole = all.stream().mapToLong(m -> m.form().rows() * m.form().columns()).sum();
    long kept = all.stream().mapToLong(m -> m.form().kept() * m.entries()).sum();
    return whole == 0 ? 0 : (double) kept / whole;
  }

  private static List<Neurons> neurons(MoeModel model, List<StoredTensor> trained) {
    List<Neurons> all = new ArrayList<>();
    for (MoeLayer moe : model.moeLayers()) {
      if (moe.experts() instanceof CompactStorage compact) {
        for (int e = 0; e < compact.layout().experts().size(); e++) {
          for (MatrixForm form : compact.layout().experts().get(e).matrices().values()) {
            if (form.kept() > 0) {
              StoredTensor kept = compact.tensor(compact.names().piece(e, form.part(), Piece.KEPT));
              all.add(new Neurons(moe.layer(), e, form, kept, trained.indexOf(kept)));
            }
          }
        }
      }
    }
    return all.stream().filter(m -> m.position() >= 0).toList();
  }

  /** The matrices whose neurons are pruned. */
  List<Neurons> matrices() {
    return matrices;
  }

  /** The smoothed importance of all neurons, by matrix, F64, to be stored and restored in place. */
  List<Tensor> importance() {
    return importance;
  }

  /** Says that so many steps were made before. */
  void resume(int steps) {
    made = steps;
  }

  /** Whether as few neurons are left as are wanted at the end. */
  boolean isDone() {
    return made >= schedule.lastBegin();
  }

  /**
   * Takes a step into account and sets the least important neurons to zero.
   *
   * @param masters the trained weights after the step, changed in place
   * @param gradients of the step
   */
  void step(List<Tensor> masters, List<Tensor> gradients) {
    made++;
    try (var _ = Scope.open()) {
      for (int i = 0; i < matrices.size(); i++) {
        Neurons m = matrices.get(i);
        Tensor product = masters.get(m.position()).detach().mul(gradients.get(m.position())).abs();
        Tensor mean = product.to(Dtype.F64).mean(1 - m.form().neuronDimension(), false);
        importance.get(i).lerpInPlace(mean, 1 - DECAY);
      }
      List<boolean[]> kept = kept(schedule.at(made));
      for (int i = 0; i < matrices.size(); i++) {
        mask(masters.get(matrices.get(i).position()), matrices.get(i), kept.get(i));
      }
    }
  }

  private static void mask(Tensor master, Neurons matrix, boolean[] kept) {
    double[] factors = new double[kept.length];
    Arrays.setAll(factors, k -> kept[k] ? 1 : 0);
    Tensor values = master.detach();
    values.mulInPlace(matrix.shaped(Tensors.ofDoubles(factors, kept.length).to(values.dtype())));
  }

  /** A neuron and its importance. */
  private record Scored(int matrix, int neuron, double importance) {}

  /** The most important neurons: of each matrix one, and of all together this share of entries. */
  private List<boolean[]> kept(double share) {
    List<boolean[]> kept = new ArrayList<>();
    List<Scored> others = new ArrayList<>();
    long budget = Math.round(share * entries);
    for (int i = 0; i < matrices.size(); i++) {
      double[] scores = importance.get(i).toDoubles();
      boolean[] own = new boolean[scores.length];
      int best = 0;
      for (int k = 1; k < scores.length; k++) {
        best = scores[k] > scores[best] ? k : best;
      }
      own[best] = true;
      budget -= matrices.get(i).entries();
      for (int k = 0; k < scores.length; k++) {
        if (k != best) {
          others.add(new Scored(i, k, scores[k]));
        }
      }
      kept.add(own);
    }
    others.sort(Comparator.comparingDouble(Scored::importance).reversed());
    for (Scored scored : others) {
      budget -= matrices.get(scored.matrix()).entries();
      if (budget < 0) {
        break;
      }
      kept.get(scored.matrix())[scored.neuron()] = true;
    }
    return kept;
  }
}
