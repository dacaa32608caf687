package dev.smelt.cli.pipeline;

import dev.smelt.cli.Version;
import dev.smelt.model.MoeModel;
import dev.smelt.model.text.CalibrationRequest;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.model.text.TextSource;
import dev.smelt.routing.CalibrationRun;
import dev.smelt.routing.LayerStatistics;
import dev.smelt.routing.RoutingStatistics;
import dev.smelt.routing.RoutingStatistics.Origin;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What to calibrate on.
 *
 * @param text arguments of {@code --text}
 * @param sequences number of sequences to draw
 * @param selfGenerated number of further sequences, which the model writes itself
 * @param length tokens per sequence
 * @param pack whether sequences may run across documents
 * @param sample tokens whose router inputs are stored
 */
public record Calibration(
    List<String> text, int sequences, int selfGenerated, int length, boolean pack, int sample) {
  /** How the text is drawn, by the names of the options; the text itself is not among it. */
  public Map<String, Object> named() {
    Map<String, Object> named = new LinkedHashMap<>();
    named.put("sequences", sequences);
    named.put("self-generated", selfGenerated);
    named.put("length", length);
    if (pack) {
      named.put("pack", true);
    }
    return named;
  }

  /** Draws the tokens, runs them through the model and gathers its routing statistics. */
  public RoutingStatistics run(Session session) {
    CalibrationSet set = draw(session);
    List<int[]> tokens = set.tokenIds();
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
    return draw(session, session.model());
  }

  /**
   * The tokens; they are drawn when they are first asked for.
   *
   * @param writer the model that writes what is self-generated
   */
  public CalibrationSet draw(Session session, MoeModel writer) {
    return session.drawn(this, () -> drawNow(session, writer));
  }

  private CalibrationSet drawNow(Session session, MoeModel writer) {
    CalibrationRequest request =
        new CalibrationRequest(TextSource.parse(text), sequences, length, session.seed(), pack);
    CalibrationSet drawn = CalibrationSet.draw(request, session.text());
    drawn.warnings().forEach(session.console()::warn);
    CalibrationSet set = selfGenerated == 0 ? drawn : drawn.with(written(session, writer, drawn));
    session
        .console()
        .detail(
            "calibrating on %d sequences, %d tokens"
                .formatted(set.sequences().size(), set.tokens()));
    return set;
  }

  private List<int[]> written(Session session, MoeModel writer, CalibrationSet drawn) {
    return new SelfGeneratedText(selfGenerated, length).by(session, writer, drawn.tokenIds());
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
