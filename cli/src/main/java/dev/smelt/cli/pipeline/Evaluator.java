package dev.smelt.cli.pipeline;

import dev.smelt.io.SmeltException;
import dev.smelt.model.Evaluation;
import dev.smelt.model.HiddenStates.SequenceLoss;
import dev.smelt.model.text.EvaluationWindows;
import dev.smelt.model.text.TextSource;
import java.util.ArrayList;
import java.util.List;

/** Measures loss and perplexity of a model on texts. */
public final class Evaluator {
  private Evaluator() {}

  /**
   * Evaluates texts in windows.
   *
   * @param text arguments of {@code --text}
   * @param length tokens per window
   */
  public static EvaluationResult run(Session session, List<String> text, int length) {
    List<EvaluationWindows> files =
        EvaluationWindows.read(TextSource.parse(text), length, session.text());
    List<int[]> windows = files.stream().flatMap(file -> file.windows().stream()).toList();
    List<SequenceLoss> losses =
        session.showing(
            "evaluating",
            session.model().architecture().layers(),
            progress ->
                Evaluation.losses(
                    session.model(), session.compute(), session.batchTokens(), windows, progress));
    return result(files, losses);
  }

  private static EvaluationResult result(List<EvaluationWindows> files, List<SequenceLoss> losses) {
    List<EvaluationResult.FileLoss> results = new ArrayList<>();
    int from = 0;
    for (EvaluationWindows file : files) {
      int to = from + file.windows().size();
      results.add(fileLoss(file.source().path().toString(), losses.subList(from, to)));
      from = to;
    }
    return EvaluationResult.of(results);
  }

  private static EvaluationResult.FileLoss fileLoss(String name, List<SequenceLoss> losses) {
    long tokens = losses.stream().mapToLong(SequenceLoss::tokens).sum();
    double loss = losses.stream().mapToDouble(SequenceLoss::sum).sum() / tokens;
    if (!Double.isFinite(loss)) {
      throw SmeltException.checkpoint(
          name + ": the loss became " + loss,
          "smelt verify MODEL names weights that are not finite");
    }
    return new EvaluationResult.FileLoss(name, tokens, loss, Math.exp(loss));
  }
}
