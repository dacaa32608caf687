package dev.smelt.cli.recovery;

import dev.smelt.cli.pipeline.Session;
import dev.smelt.io.SmeltException;
import dev.smelt.model.MoeModel;
import dev.smelt.model.text.EvaluationWindows;
import dev.smelt.model.text.SequenceHash;
import dev.smelt.model.text.TextSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * The token ids of a recovery.
 *
 * @param sequences what is learnt from, then what only judges
 * @param heldOut how many sequences only judge
 * @param hash of all sequences
 */
record RecoveryText(List<int[]> sequences, int heldOut, String hash) {
  /** One in so many sequences is held out. */
  private static final int ONE_IN = 8;

  private static final int FEWEST = 2;

  RecoveryText {
    sequences = List.copyOf(sequences);
  }

  /**
   * Draws the text, and lets the teacher write some if asked to; without a text that judges, an
   * eighth of all is held out.
   */
  static RecoveryText draw(Session session, MoeModel teacher, RecoveryRequest request) {
    List<int[]> all = new ArrayList<>(request.text().draw(session, teacher).tokenIds());
    int heldOut;
    if (request.heldOut().isEmpty()) {
      requireTwo(all.size());
      Collections.shuffle(all, new Random(session.seed()));
      heldOut = Math.max(1, all.size() / ONE_IN);
    } else {
      List<int[]> judging = judging(session, request);
      all.addAll(judging);
      heldOut = judging.size();
    }
    return new RecoveryText(all, heldOut, SequenceHash.ofIds(all));
  }

  private static void requireTwo(int sequences) {
    if (sequences < FEWEST) {
      throw SmeltException.usage(
          "the text gives one sequence, and one more is needed to judge by",
          "give more text, a smaller --length, or --held-out FILE");
    }
  }

  private static List<int[]> judging(Session session, RecoveryRequest request) {
    return EvaluationWindows.read(
            TextSource.parse(request.heldOut()), request.text().length(), session.text())
        .stream()
        .flatMap(file -> file.windows().stream())
        .toList();
  }

  /** Tokens of all sequences. */
  long tokens() {
    return sequences.stream().mapToLong(s -> s.length).sum();
  }
}
