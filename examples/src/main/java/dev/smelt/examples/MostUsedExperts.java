package dev.smelt.examples;

import dev.smelt.model.Compute;
import dev.smelt.model.MoeModel;
import dev.smelt.model.text.ModelText;
import dev.smelt.routing.CalibrationRun;
import dev.smelt.routing.LayerStatistics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs a text through a model and tells which expert each layer uses most. */
public final class MostUsedExperts {
  private static final int LENGTH = 256;

  private MostUsedExperts() {}

  /**
   * One line for each layer with experts.
   *
   * @param model directory of a checkpoint
   * @param text a text file
   */
  public static List<String> of(Path model, Path text) throws IOException {
    try (MoeModel moe = MoeModel.open(model);
        ModelText reader = ModelText.open(model, moe.architecture().vocabulary())) {
      int[] tokens = reader.tokenizer().encode(Files.readString(text));
      List<int[]> sequences = new ArrayList<>();
      for (int from = 0; from + LENGTH <= tokens.length; from += LENGTH) {
        sequences.add(Arrays.copyOfRange(tokens, from, from + LENGTH));
      }
      var run = new CalibrationRun(moe, Compute.F32.dtype(), 4096, 0, 0);
      return run.run(sequences, layer -> {}).stream().map(MostUsedExperts::line).toList();
    }
  }

  private static String line(LayerStatistics layer) {
    double[] frequency = layer.frequency();
    int most = 0;
    for (int e = 1; e < frequency.length; e++) {
      most = frequency[e] > frequency[most] ? e : most;
    }
    return "layer %d: expert %d answers %.0f %% of the routed slots"
        .formatted(layer.layer(), most, 100 * frequency[most]);
  }
}
