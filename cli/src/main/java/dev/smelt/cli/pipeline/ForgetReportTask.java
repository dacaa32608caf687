package dev.smelt.cli.pipeline;

import dev.smelt.cli.Version;
import dev.smelt.cli.command.ComputeOptions;
import dev.smelt.cli.console.Progress;
import dev.smelt.cli.pipeline.ForgetReport.Knowledge;
import dev.smelt.cli.pipeline.ForgetReport.Pair;
import dev.smelt.cli.pipeline.ForgetReport.SetReport;
import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;
import dev.smelt.model.text.EvaluationWindows;
import dev.smelt.model.text.TextSource;
import dev.smelt.model.text.TextTokenizer;
import dev.smelt.unlearn.measure.Comparison;
import dev.smelt.unlearn.measure.Continuations;
import dev.smelt.unlearn.measure.Continuations.Continuation;
import dev.smelt.unlearn.measure.LayerRouting;
import dev.smelt.unlearn.measure.Membership;
import dev.smelt.unlearn.measure.Memorisation;
import dev.smelt.unlearn.measure.Relearning;
import dev.smelt.unlearn.measure.TokenScores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Measures what a model has forgotten.
 *
 * @param forget arguments of {@code --forget}
 * @param retain arguments of {@code --retain}
 * @param holdout arguments of {@code --holdout}; may be empty
 * @param length tokens per window
 * @param most windows of each set at most
 * @param continuations windows of each set that are continued
 * @param relearnSteps steps of the relearning probe; 0 for none
 * @param relearnRate its learning rate
 * @param tofu questions in TOFU's format
 */
public record ForgetReportTask(
    List<String> forget,
    List<String> retain,
    List<String> holdout,
    int length,
    int most,
    int continuations,
    int relearnSteps,
    double relearnRate,
    TofuFiles tofu) {
  private static final int EXAMPLES = 3;

  /** Windows of a set and what both models make of them. */
  private record Measured(List<int[]> windows, Comparison.Result result) {}

  /** Runs both models, which stay as they are. */
  public ForgetReport run(Session before, Session after, ComputeOptions compute) {
    before.requireDecoder("compared by what it forgot");
    List<int[]> forgetWindows = windows(before, forget);
    List<int[]> retainWindows = windows(before, retain);
    List<int[]> holdoutWindows = holdout.isEmpty() ? List.of() : windows(before, holdout);
    if (relearnSteps > 0 && forgetWindows.size() < 4) {
      throw SmeltException.checkpoint(
          "the forget set has %d windows of %d tokens, the relearning probe needs at least 4"
              .formatted(forgetWindows.size(), length),
          "give more text, a smaller --length, or --relearn 0");
    }
    Comparison comparison =
        new Comparison(before.model(), after.model(), before.compute(), before.batchTokens());
    Measured onForget = measure(before, comparison, forgetWindows, "forget set");
    Measured onRetain = measure(before, comparison, retainWindows, "retain set");
    Optional<Measured> onHoldout =
        holdoutWindows.isEmpty()
            ? Optional.empty()
            : Optional.of(measure(before, comparison, holdoutWindows, "holdout set"));
    return new ForgetReport(
        Version.number(),
        model(before.model()),
        model(after.model()),
        length,
        set(before, after, onForget),
        set(before, after, onRetain),
        onHoldout.map(measured -> set(before, after, measured)),
        onHoldout.map(measured -> membership(before, onForget, measured)),
        relearnSteps == 0
            ? Optional.empty()
            : Optional.of(
                new Pair<>(
                    relearn(before, forgetWindows, "before"),
                    relearn(after, forgetWindows, "after"))),
        tofu.isGiven()
            ? Optional.of(new TofuTask(tofu).run(before, after, compute))
            : Optional.empty());
  }

  private static ForgetReport.Model model(MoeModel model) {
    return new ForgetReport.Model(
        String.valueOf(model.checkpoint().directory().toAbsolutePath().getFileName()),
        model.checkpoint().fingerprint());
  }

  /** All windows of a set, or as many as are wanted, evenly spread over its files. */
  private List<int[]> windows(Session session, List<String> arguments) {
    List<int[]> all =
        EvaluationWindows.read(TextSource.parse(arguments), length, session.text()).stream()
            .flatMap(file -> file.windows().stream())
            .toList();
    int count = Math.min(most, all.size());
    return IntStream.range(0, count)
        .mapToObj(i -> all.get((int) ((long) i * all.size() / count)))
        .toList();
  }

  private static Measured measure(
      Session session, Comparison comparison, List<int[]> windows, String name) {
    int layers = session.model().architecture().layers();
    Comparison.Result result =
        session.showing(
            "comparing, " + name, layers, progress -> comparison.run(windows, progress));
    return new Measured(windows, result);
  }

  private SetReport set(Session before, Session after, Measured measured) {
    Comparison.Result result = measured.result();
    List<Continuation> then = continued(before, measured.windows());
    List<Continuation> now = continued(after, measured.windows());
    return new SetReport(
        measured.windows().size(),
        result.before().stream().mapToLong(TokenScores::tokens).sum(),
        knowledge(result.before(), then),
        knowledge(result.after(), now),
        loss(result.forced()),
        result.divergence(),
        result.layers().stream().mapToDouble(LayerRouting::overlap).average().orElse(1),
        result.layers(),
        IntStream.range(0, Math.min(EXAMPLES, then.size()))
            .mapToObj(i -> new Pair<>(then.get(i), now.get(i)))
            .toList());
  }

  private List<Continuation> continued(Session session, List<int[]> windows) {
    return continuations == 0
        ? List.of()
        : Continuations.of(
            session.model(), session.compute(), session.text().tokenizer(), windows, continuations);
  }

  private static Knowledge knowledge(List<TokenScores> scores, List<Continuation> continued) {
    double loss = loss(scores);
    Memorisation memorised = Memorisation.of(scores);
    return new Knowledge(
        loss,
        Math.exp(loss),
        memorised.exact(),
        memorised.extraction(),
        continued.isEmpty() ? Optional.empty() : Optional.of(Continuations.recall(continued)));
  }

  /** Mean over all tokens of all windows. */
  private static double loss(List<TokenScores> scores) {
    long tokens = scores.stream().mapToLong(TokenScores::tokens).sum();
    return scores.stream().mapToDouble(s -> s.loss() * s.tokens()).sum() / tokens;
  }

  private static Pair<Membership> membership(Session session, Measured members, Measured others) {
    TextTokenizer tokenizer = session.text().tokenizer();
    return new Pair<>(
        Membership.of(
            samples(tokenizer, members.windows(), members.result().before()),
            samples(tokenizer, others.windows(), others.result().before())),
        Membership.of(
            samples(tokenizer, members.windows(), members.result().after()),
            samples(tokenizer, others.windows(), others.result().after())));
  }

  private static List<Membership.Sample> samples(
      TextTokenizer tokenizer, List<int[]> windows, List<TokenScores> scores) {
    List<Membership.Sample> samples = new ArrayList<>();
    for (int i = 0; i < windows.size(); i++) {
      int[] predicted = Arrays.copyOfRange(windows.get(i), 1, windows.get(i).length);
      samples.add(new Membership.Sample(scores.get(i), tokenizer.decode(predicted)));
    }
    return samples;
  }

  private List<Relearning.Point> relearn(Session session, List<int[]> windows, String name) {
    Relearning probe =
        new Relearning(
            session.compute(), session.batchTokens(), relearnSteps, relearnRate, session.seed());
    try (Progress progress =
        Progress.start(session.console(), "relearning, " + name, relearnSteps, "steps")) {
      int[] last = {0};
      return probe.run(
          session.model(),
          windows,
          step -> {
            progress.advance(step - last[0]);
            last[0] = step;
          });
    }
  }
}
