package dev.smelt.cli.pipeline;

import dev.smelt.cli.Version;
import dev.smelt.model.MoeModel;
import dev.smelt.model.text.CalibrationRequest;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.model.text.TextSource;
import dev.smelt.model.text.TokenSequence;
import dev.smelt.routing.CalibrationRun;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.RoutingStatistics.Origin;
import java.util.List;

/**
 * What to calibrate on.
 *
 * @param text arguments of {@code --text}
 * @param sequences number of sequences to draw
 * @param length tokens per sequence
 * @param pack whether sequences may run across documents
 * @param sample tokens whose router inputs are stored
 */
public record Calibration(List<String> text, int sequences, int length, boolean pack, int sample) {
  /** Draws the tokens, runs them through the model and gathers its routing statistics. */
  public RoutingStatistics run(Session session) {
    CalibrationSet set = draw(session);
    List<int[]> tokens = set.sequences().stream().map(TokenSequence::tokens).toList();
    CalibrationRun run =
        new CalibrationRun(
            session.model(), session.compute(), session.batchTokens(), sample, session.seed());
    int layers = session.model().moeLayers().getLast().layer() + 1;
    long start = System.nanoTime();
    List<LayerStatistics> statistics =
        session.showing("calibrating", layers, progress -> run.run(tokens, progress));
    double seconds = (System.nanoTime() - start) / 1e9;
    session
        .console()
        .detail("calibrated in %.2f s, %.0f tokens/s".formatted(seconds, set.tokens() / seconds));
    return new RoutingStatistics(origin(session, set), statistics);
  }

  /** The tokens; they are drawn when they are first asked for. */
  public CalibrationSet draw(Session session) {
    return session.drawn(this, () -> drawNow(session));
  }

  private CalibrationSet drawNow(Session session) {
    CalibrationRequest request =
        new CalibrationRequest(TextSource.parse(text), sequences, length, session.seed(), pack);
    CalibrationSet set = CalibrationSet.draw(request, session.text());
    set.warnings().forEach(session.console()::warn);
    session
        .console()
        .detail(
            "calibrating on %d sequences, %d tokens"
                .formatted(set.sequences().size(), set.tokens()));
    return set;
  }

  /** The origin of statistics for which no token has passed. */
  static Origin originWithoutTokens(Session session) {
    MoeModel model = session.model();
    return new Origin(
        Version.number(),
        model.checkpoint().fingerprint(),
        "",
        session.seed(),
        0,
        0,
        session.compute().code(),
        model.architecture().hidden(),
        model.architecture().topK());
  }

  /** Where statistics of drawn tokens come from. */
  Origin origin(Session session, CalibrationSet set) {
    return new Origin(
        Version.number(),
        session.model().checkpoint().fingerprint(),
        set.hash(),
        set.seed(),
        set.sequences().size(),
        set.tokens(),
        session.compute().code(),
        session.model().architecture().hidden(),
        session.model().architecture().topK());
  }
}
