package dev.smelt.cli.pipeline;

import dev.smelt.cli.pipeline.AttributionReport.Source;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.StatisticsFile;
import dev.smelt.unlearn.attribution.Affinity;
import dev.smelt.unlearn.attribution.AffinityRun;
import dev.smelt.unlearn.attribution.Attribution;
import dev.smelt.unlearn.attribution.Stability;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Measures which experts a forget set engages, or reads it from statistics.
 *
 * @param texts what is to be forgotten and what is not
 * @param statistics routing statistics of the forget set, instead of its text
 * @param retainStatistics routing statistics of the retain set, instead of its text
 */
public record AttributionTask(
    ForgetTexts texts, Optional<Path> statistics, Optional<Path> retainStatistics) {

  /** What is known about one of the two sets. */
  private record Measured(Affinity affinity, Optional<Stability> stability, Source source) {}

  /** Measures what is not read. */
  public AttributionReport run(Session session) {
    if (statistics.isEmpty() || !texts.retain().isEmpty()) {
      session.requireDecoder("attributed from text");
    }
    Measured forget =
        statistics
            .map(file -> read(session, file))
            .orElseGet(() -> measured(session, texts.drawForget(session), "forget set"));
    Optional<Measured> retain =
        retainStatistics
            .map(file -> read(session, file))
            .or(
                () ->
                    texts.retain().isEmpty()
                        ? Optional.empty()
                        : Optional.of(measured(session, texts.drawRetain(session), "retain set")));
    return AttributionReport.of(
        session,
        new Attribution(forget.affinity(), retain.map(Measured::affinity)),
        forget.stability(),
        forget.source(),
        retain.map(Measured::source));
  }

  private static Measured read(Session session, Path file) {
    RoutingStatistics read = StatisticsFile.read(file);
    read.requireMatch(session.model(), file.toString());
    Affinity affinity = Affinity.of(read);
    Source source =
        new Source(
            file.toString(),
            affinity.mean().toString(),
            affinity.sequences(),
            affinity.tokens(),
            read.origin().data());
    return new Measured(affinity, Optional.empty(), source);
  }

  private static Measured measured(Session session, CalibrationSet set, String name) {
    AffinityRun run = new AffinityRun(session.model(), session.compute(), session.batchTokens());
    int layers = session.model().moeLayers().getLast().layer() + 1;
    AffinityRun.Result result =
        session.showing(
            "attributing, " + name, layers, progress -> run.run(ForgetTexts.tokens(set), progress));
    Affinity affinity = result.affinity();
    Source source =
        new Source(
            "text",
            affinity.mean().toString(),
            affinity.sequences(),
            affinity.tokens(),
            set.hash());
    return new Measured(affinity, Optional.of(result.stability()), source);
  }
}
