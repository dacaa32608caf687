package dev.smelt.cli.pipeline;

import dev.smelt.model.text.CalibrationRequest;
import dev.smelt.model.text.CalibrationSet;
import dev.smelt.model.text.TextSource;
import java.util.List;

/**
 * What is to be forgotten, and what is not.
 *
 * @param forget arguments of {@code --forget}
 * @param retain arguments of {@code --retain}; may be empty
 * @param sequences number of sequences to draw of each set
 * @param length tokens per sequence
 * @param pack whether sequences may run across documents
 */
public record ForgetTexts(
    List<String> forget, List<String> retain, int sequences, int length, boolean pack) {
  /** Copies the lists. */
  public ForgetTexts {
    forget = List.copyOf(forget);
    retain = List.copyOf(retain);
  }

  /** Draws sequences of the forget set; the same ones each time. */
  CalibrationSet drawForget(Session session) {
    return draw(session, forget);
  }

  /** Draws sequences of the retain set; the same ones each time. */
  CalibrationSet drawRetain(Session session) {
    return draw(session, retain);
  }

  private CalibrationSet draw(Session session, List<String> arguments) {
    CalibrationRequest request =
        new CalibrationRequest(
            TextSource.parse(arguments), sequences, length, session.seed(), pack);
    CalibrationSet set = CalibrationSet.draw(request, session.text());
    set.warnings().forEach(session.console()::warn);
    return set;
  }

  /** The token ids of a set. */
  static List<int[]> tokens(CalibrationSet set) {
    return set.tokenIds();
  }
}
