package dev.smelt.model.text;

import java.util.ArrayList;
import java.util.List;

/**
 * The sequences that a model is calibrated on.
 *
 * @param sources the files they were drawn from
 * @param sequences in the order of the sources and of the text in them, then those of no source
 * @param length tokens per sequence at most
 * @param seed of the drawing
 * @param hash SHA-256, in hexadecimal, over every sequence in order: its length, then its ids, each
 *     as four bytes, little endian
 * @param warnings what did not go as asked: fewer sequences than requested, shares that had to be
 *     moved; empty if nothing
 */
public record CalibrationSet(
    List<TextSource> sources,
    List<TokenSequence> sequences,
    int length,
    long seed,
    String hash,
    List<String> warnings) {
  /** Copies the lists. */
  public CalibrationSet {
    sources = List.copyOf(sources);
    sequences = List.copyOf(sequences);
    warnings = List.copyOf(warnings);
  }

  /**
   * Draws a calibration set.
   *
   * <p>The arguments share the sequences in proportion to their weights, and the files of one
   * argument share its part in proportion to their token counts; whole numbers come from the
   * largest remainder. Documents shorter than two tokens are skipped. Within a file, windows that
   * do not overlap are drawn without replacement, and never run across documents unless the request
   * says {@code pack}. A file with too few windows gives all it has; the others make up for it
   * where they can. The same request and the same files give the same set.
   *
   * @throws dev.smelt.io.SmeltException if a file cannot be read, or holds no document of at least
   *     two tokens
   */
  public static CalibrationSet draw(CalibrationRequest request, ModelText model) {
    return new CalibrationDrawing(request, model).draw();
  }

  /**
   * This set with further sequences at its end, which come from none of the sources.
   *
   * @param generated token ids, at least two each
   */
  public CalibrationSet with(List<int[]> generated) {
    List<TokenSequence> all = new ArrayList<>(sequences);
    generated.forEach(ids -> all.add(new TokenSequence(TokenSequence.NO_SOURCE, ids)));
    return new CalibrationSet(sources, all, length, seed, SequenceHash.of(all), warnings);
  }

  /** The ids of each sequence. */
  public List<int[]> tokenIds() {
    return sequences.stream().map(TokenSequence::tokens).toList();
  }

  /** How many tokens all sequences have together. */
  public long tokens() {
    return sequences.stream().mapToLong(TokenSequence::length).sum();
  }
}
