package dev.smelt.model.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** One drawing of a calibration set, in the steps that {@link CalibrationSet#draw} documents. */
final class CalibrationDrawing {
  private final CalibrationRequest request;
  private final List<List<int[]>> documents;
  private final List<WindowSampler> samplers = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  CalibrationDrawing(CalibrationRequest request, ModelText model) {
    this.request = request;
    this.documents = UsableText.read(request.sources(), model);
  }

  CalibrationSet draw() {
    cut();
    int[] counts = share();
    List<TokenSequence> sequences = new ArrayList<>();
    for (int source = 0; source < counts.length; source++) {
      for (WindowSampler.Window window : samplers.get(source).draw(counts[source])) {
        sequences.add(new TokenSequence(source, window.of(documents.get(source))));
      }
    }
    return new CalibrationSet(
        request.sources(),
        sequences,
        request.length(),
        request.seed(),
        SequenceHash.of(sequences),
        warnings);
  }

  /** Every source has its own random numbers, whatever the sources before it hold. */
  private void cut() {
    SplittableRandom random = new SplittableRandom(request.seed());
    for (int source = 0; source < documents.size(); source++) {
      if (request.pack()) {
        documents.set(source, List.of(UsableText.concatenate(documents.get(source))));
      }
      samplers.add(new WindowSampler(documents.get(source), request.length(), random.split()));
    }
  }

  private int[] share() {
    double[] weights = weights();
    int[] room = samplers.stream().mapToInt(WindowSampler::size).toArray();
    int[] unlimited = new int[room.length];
    Arrays.fill(unlimited, Integer.MAX_VALUE);
    int[] wanted = Apportionment.share(request.sequences(), weights, unlimited);
    int[] counts = Apportionment.share(request.sequences(), weights, room);
    warn(wanted, counts);
    return counts;
  }

  /** The weight of an argument, shared by its files in proportion to their token counts. */
  private double[] weights() {
    Map<String, Long> tokensOfArgument = new LinkedHashMap<>();
    for (int source = 0; source < documents.size(); source++) {
      tokensOfArgument.merge(request.sources().get(source).argument(), tokens(source), Long::sum);
    }
    double[] weights = new double[documents.size()];
    for (int source = 0; source < weights.length; source++) {
      TextSource text = request.sources().get(source);
      weights[source] = text.weight() * tokens(source) / tokensOfArgument.get(text.argument());
    }
    return weights;
  }

  private long tokens(int source) {
    return UsableText.tokens(documents.get(source));
  }

  private void warn(int[] wanted, int[] counts) {
    for (int source = 0; source < counts.length; source++) {
      String path = request.sources().get(source).path().toString();
      if (counts[source] < wanted[source]) {
        warnings.add(
            String.format(
                "%s: %d of the %d sequences of its share: the text holds no more of %d tokens",
                path, counts[source], wanted[source], request.length()));
      } else if (counts[source] == 0) {
        warnings.add(path + ": no sequences: its share is less than one");
      }
    }
    int drawn = Arrays.stream(counts).sum();
    if (drawn < request.sequences()) {
      warnings.add(
          String.format(
              "%d sequences instead of %d: all text is used", drawn, request.sequences()));
    }
  }
}
