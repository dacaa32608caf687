package dev.smelt.model.text;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.util.ArrayList;
import java.util.List;

/**
 * What to draw a calibration set from.
 *
 * @param sources files with weights, at least one
 * @param sequences how many sequences to draw, at least 1
 * @param length tokens per sequence at most, at least 2
 * @param seed of the drawing
 * @param pack whether the documents of a source are laid end to end before they are cut, so that
 *     sequences may run from one document into the next; nothing is put between them
 */
public record CalibrationRequest(
    List<TextSource> sources, int sequences, int length, long seed, boolean pack) {
  /** Checks the numbers. */
  public CalibrationRequest {
    sources = List.copyOf(sources);
    List<String> problems = new ArrayList<>();
    if (sources.isEmpty()) {
      problems.add("calibration: no text is named");
    }
    if (sequences < 1) {
      problems.add("calibration: " + sequences + " sequences, expected at least 1");
    }
    if (length < 2) {
      problems.add("calibration: sequences of " + length + " tokens, expected at least 2");
    }
    if (!problems.isEmpty()) {
      throw SmeltException.all(Fault.USAGE, problems, "see --text, --sequences and --length");
    }
  }
}
