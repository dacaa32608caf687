package dev.smelt.routing.recover;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.routing.train.TensorFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * What a teacher says of each sequence, in a file: its likeliest tokens with their logarithmic
 * probabilities at the temperature of the distillation, and its hidden states if they are wanted.
 *
 * <p>Memory while it is made: one layer, the hidden states of all tokens, and a block of logits.
 * Disk: 8 bytes for each likely token of each position.
 */
public final class TeacherCache implements AutoCloseable {
  /** Bound on the elements of a block of logits. */
  private static final long MAX_LOGITS = 16L << 20;

  private final TensorFile file;

  private TeacherCache(TensorFile file) {
    this.file = file;
  }

  /**
   * Opens the cache in a directory, or makes it there.
   *
   * @param directory of the cache
   * @param teacher streams through its layers once
   * @param compute type of the forward pass
   * @param sequences token ids, each with at least two
   * @param batchTokens tokens that go through a layer together
   * @param options temperature, likeliest tokens, and whether hidden states are wanted
   * @param progress is told each layer that is finished
   */
  public static TeacherCache open(
      Path directory,
      MoeModel teacher,
      Dtype compute,
      List<int[]> sequences,
      int batchTokens,
      DistillationOptions options,
      IntConsumer progress) {
    if (!Files.exists(directory)) {
      new Making(teacher, compute, sequences, options).make(directory, batchTokens, progress);
    }
    return new TeacherCache(TensorFile.open(directory));
  }

  /** The likeliest tokens of the positions of a sequence that predict one, I32, [T - 1, k]. */
  Tensor tokens(int sequence) {
    return file.tensor("tokens." + sequence);
  }

  /** Their logarithmic probabilities, F32 or F64, [T - 1, k]. */
  Tensor logProbabilities(int sequence) {
    return file.tensor("log." + sequence);
  }

  /** Hidden states of a sequence after a layer, [T, H]. */
  Tensor state(int sequence, int layer) {
    return file.tensor("state." + layer + "." + sequence);
  }

  @Override
  public void close() {
    file.close();
  }

  /** The making of a cache. */
  private record Making(
      MoeModel teacher, Dtype compute, List<int[]> sequences, DistillationOptions options) {
    private void make(Path directory, int batchTokens, IntConsumer progress) {
      List<TokenBatch> batches = TokenBatch.split(sequences, batchTokens);
      var target = new WriterOptions(Long.MAX_VALUE, false);
      try (CheckpointWriter writer = CheckpointWriter.create(directory, infos(), target);
          HiddenStates states = HiddenStates.embed(teacher, batches, compute)) {
        for (int l = 0; l < teacher.architecture().layers(); l++) {
          try (var _ = Scope.open()) {
            states.advance(teacher.layer(l, compute), MoeObserver.NONE);
          }
          if (options.hidden() > 0) {
            writeStates(writer, states, l);
          }
          progress.accept(l);
        }
        try (var _ = Scope.open()) {
          writeLogits(writer, states, teacher.head(compute));
        }
        writer.commit();
      }
    }

    private Dtype wide() {
      return compute.equals(Dtype.F64) ? Dtype.F64 : Dtype.F32;
    }

    private List<TensorInfo> infos() {
      List<TensorInfo> infos = new ArrayList<>();
      long hidden = teacher.architecture().hidden();
      for (int s = 0; s < sequences.size(); s++) {
        long length = sequences.get(s).length;
        List<Long> shape = List.of(length - 1, (long) options.likeliest());
        infos.add(new TensorInfo("tokens." + s, Dtype.I32, shape));
        infos.add(new TensorInfo("log." + s, wide(), shape));
        for (int l = 0; options.hidden() > 0 && l < teacher.architecture().layers(); l++) {
          infos.add(new TensorInfo("state." + l + "." + s, compute, List.of(length, hidden)));
        }
      }
      return infos;
    }

    private void writeStates(CheckpointWriter writer, HiddenStates states, int layer) {
      forEachSequence(
          states,
          (s, rows) -> writer.write("state." + layer + "." + s, rows.contiguous().memory()));
    }

    private void writeLogits(CheckpointWriter writer, HiddenStates states, LanguageHead head) {
      forEachSequence(
          states,
          (s, rows) -> {
            long predicting = rows.size(0) - 1;
            long block = Math.max(1, MAX_LOGITS / teacher.architecture().vocabulary());
            for (long from = 0; from < predicting; from += block) {
              try (var _ = Scope.open()) {
                Tensor some = rows.narrow(0, from, Math.min(block, predicting - from));
                writeBlock(writer, s, from, head.logits(some));
              }
            }
          });
    }

    private void writeBlock(CheckpointWriter writer, int sequence, long from, Tensor logits) {
      Tensor log = logits.to(wide()).mul(1 / options.temperature()).logSoftmax(-1);
      Tensor.TopK top = log.topK(options.likeliest());
      if (!Double.isFinite(top.values().sum().item())) {
        throw SmeltException.checkpoint(
            teacher.checkpoint().directory() + ": the logits of the teacher became NaN or infinite",
            "smelt verify MODEL names weights that are not finite");
      }
      long first = from * options.likeliest();
      Tensor tokens = top.indices().to(Dtype.I32).contiguous();
      writer.writeSlice("tokens." + sequence, first * Dtype.I32.bytes(), tokens.memory());
      Tensor values = top.values().contiguous();
      writer.writeSlice("log." + sequence, first * wide().bytes(), values.memory());
    }

    /** Work on the rows [T, H] of one sequence. */
    private interface SequenceWork {
      void accept(int sequence, Tensor rows);
    }

    private static void forEachSequence(HiddenStates states, SequenceWork work) {
      int sequence = 0;
      for (int i = 0; i < states.size(); i++) {
        for (int b = 0; b < states.batch(i).size(); b++) {
          try (var _ = Scope.open()) {
            int length = states.batch(i).sequences().get(b).length;
            work.accept(sequence++, states.state(i).select(0, b).narrow(0, 0, length));
          }
        }
      }
    }
  }
}
