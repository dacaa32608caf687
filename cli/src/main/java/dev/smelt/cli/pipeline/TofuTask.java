package dev.smelt.cli.pipeline;

import dev.smelt.cli.command.ComputeOptions;
import dev.smelt.cli.pipeline.ForgetReport.Pair;
import dev.smelt.cli.pipeline.ForgetReport.TofuReport;
import dev.smelt.unlearn.measure.Tofu;
import dev.smelt.unlearn.measure.TofuRun;
import dev.smelt.unlearn.measure.TofuScores;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Asks the models TOFU's questions.
 *
 * @param files the questions
 */
record TofuTask(TofuFiles files) {
  TofuReport run(Session before, Session after, ComputeOptions compute) {
    Optional<Pair<TofuScores>> forget = files.forget().map(file -> ask(file, before, after));
    Optional<TofuScores> never =
        files
            .reference()
            .map(
                model -> {
                  try (Session session = Session.open(before.console(), model, compute)) {
                    return ask(Tofu.read(files.forget().orElseThrow()), session);
                  }
                });
    return new TofuReport(
        forget.map(f -> new Pair<>(f.before().probability(), f.after().probability())),
        forget.map(f -> new Pair<>(f.before().recall(), f.after().recall())),
        forget.map(f -> new Pair<>(f.before().truth(), f.after().truth())),
        never.map(
            n ->
                new Pair<>(
                    TofuScores.forgetQuality(forget.orElseThrow().before(), n),
                    TofuScores.forgetQuality(forget.orElseThrow().after(), n))),
        files
            .retain()
            .map(
                retain -> {
                  Pair<TofuScores> kept = ask(retain, before, after);
                  Pair<TofuScores> authors = ask(files.authors().orElseThrow(), before, after);
                  Pair<TofuScores> facts = ask(files.facts().orElseThrow(), before, after);
                  return new Pair<>(
                      TofuScores.utility(kept.before(), authors.before(), facts.before()),
                      TofuScores.utility(kept.after(), authors.after(), facts.after()));
                }));
  }

  private static Pair<TofuScores> ask(Path file, Session before, Session after) {
    Tofu questions = Tofu.read(file);
    return new Pair<>(ask(questions, before), ask(questions, after));
  }

  private static TofuScores ask(Tofu questions, Session session) {
    return new TofuRun(
            session.model(), session.compute(), session.batchTokens(), session.text().tokenizer())
        .run(questions);
  }
}
