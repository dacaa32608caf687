package dev.smelt.routing.recover;

import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.routing.train.RandomOrder;
import dev.smelt.routing.train.TrainingTask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The distillation of a student as a task for {@link dev.smelt.routing.train.Training}.
 *
 * <p>A step goes through its sequences in parts that bound the memory of intermediate values; the
 * gradients of the parts are added in F32.
 *
 * <p>Memory beside that of the training: trained weights once more in the type of the computation,
 * all other weights, and the intermediate values of one part.
 */
public final class Distillation implements TrainingTask {
  /** Bound on the elements of the logits of a part. */
  private static final long MAX_LOGITS = 16L << 20;

  private final Student student;
  private final DistillationLoss loss;
  private final Text text;
  private final RandomOrder order;
  private final Optional<NeuronPruning> pruning;

  /**
   * The tokens of a distillation.
   *
   * @param sequences token ids, each with at least two; the last ones are held out
   * @param heldOut how many are held out
   * @param batchSequences sequences of a step
   * @param partTokens tokens that are computed with at once, at most
   */
  public record Text(List<int[]> sequences, int heldOut, int batchSequences, int partTokens) {
    /** Checks that there is something to learn from and to judge by. */
    public Text {
      sequences = List.copyOf(sequences);
      if (heldOut < 1 || heldOut >= sequences.size() || batchSequences < 1 || partTokens < 1) {
        throw new IllegalArgumentException(
            "%d of %d sequences held out, %d in a step, parts of %d tokens"
                .formatted(heldOut, sequences.size(), batchSequences, partTokens));
      }
    }

    private int training() {
      return sequences.size() - heldOut;
    }
  }

  /**
   * Prepares a distillation.
   *
   * @param student what is trained
   * @param teacher what the teacher says of all sequences; empty if only the text counts
   * @param text the tokens
   * @param options the loss
   * @param pruning takes neurons away meanwhile, if it is wanted
   * @param seed decides the order of the sequences
   */
  public Distillation(
      Student student,
      Optional<TeacherCache> teacher,
      Text text,
      DistillationOptions options,
      Optional<NeuronPruning> pruning,
      long seed) {
    this.student = student;
    this.text = text;
    this.pruning = pruning;
    loss = new DistillationLoss(student, teacher, text.sequences(), options);
    int[] training = IntStream.range(0, text.training()).toArray();
    order = new RandomOrder(training, text.batchSequences(), seed);
  }

  @Override
  public List<Tensor> parameters() {
    return student.masters();
  }

  @Override
  public void skip(int batches) {
    order.skip(batches);
    pruning.ifPresent(p -> p.resume(batches));
  }

  @Override
  public List<Tensor> state() {
    return pruning.map(NeuronPruning::importance).orElse(List.of());
  }

  @Override
  public void stepped(List<Tensor> gradients) {
    pruning.ifPresent(p -> p.step(parameters(), gradients));
  }

  @Override
  public boolean isCandidate() {
    return pruning.map(NeuronPruning::isDone).orElse(true);
  }

  @Override
  public Batch next() {
    List<Integer> some = Arrays.stream(order.next()).boxed().toList();
    List<Tensor> sums =
        parameters().stream().map(p -> Tensors.zeros(p.dtype(), p.shape())).toList();
    List<Tensor> leaves = student.leaves();
    long tokens = loss.tokens(some);
    double value = 0;
    for (List<Integer> part : parts(some)) {
      try (var _ = Scope.open();
          var recording = Autograd.record()) {
        Tensor mean = loss.sum(part, student.weights(leaves)).mul(1.0 / tokens);
        value += mean.item();
        List<Tensor> gradients = recording.gradients(mean, leaves);
        for (int i = 0; i < sums.size(); i++) {
          add(sums.get(i), gradients.get(i));
        }
      }
    }
    return new Batch(value, sums, tokens);
  }

  private static void add(Tensor sum, Tensor gradient) {
    sum.addInPlace(gradient.detach());
  }

  @Override
  public double heldOut() {
    List<Integer> all = IntStream.range(text.training(), text.sequences().size()).boxed().toList();
    double sum = 0;
    try (var _ = Scope.open()) {
      Weights weights = student.weights(student.leaves());
      for (List<Integer> part : parts(all)) {
        try (var _ = Scope.open()) {
          sum += loss.sum(part, weights).item();
        }
      }
    }
    return sum / loss.tokens(all);
  }

  /** Sequences in their order, in parts of limited size. */
  private List<List<Integer>> parts(List<Integer> some) {
    long limit = Math.min(text.partTokens(), Math.max(1, MAX_LOGITS / student.vocabulary()));
    List<List<Integer>> parts = new ArrayList<>();
    List<Integer> part = new ArrayList<>();
    int longest = 0;
    for (int s : some) {
      longest = Math.max(longest, text.sequences().get(s).length);
      if (!part.isEmpty() && (long) longest * (part.size() + 1) > limit) {
        parts.add(part);
        part = new ArrayList<>();
        longest = text.sequences().get(s).length;
      }
      part.add(s);
    }
    parts.add(part);
    return parts;
  }
}
