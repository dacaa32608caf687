package dev.smelt.routing.repair;

import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.StoredTensor;
import dev.smelt.model.DecoderLayer;
import dev.smelt.model.FeedForward;
import dev.smelt.model.HiddenStates;
import dev.smelt.model.MoeBlock;
import dev.smelt.model.MoeModel;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.Weights;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Prints what repairs reach on a trained model: mean held-out loss over domains.
 *
 * <p>Arguments: model directory, calibration ids (one I64 tensor [N, L] in a safetensors file),
 * validation ids (one such tensor per domain), experts that are kept, and the repairs to try: none,
 * refit, fit, fit=STEPS,RATE.
 */
public final class RepairExperiment {
  private static final int BATCH = 8192;

  private RepairExperiment() {}

  /** Runs the experiment. */
  public static void main(String[] arguments) {
    try (MoeModel model = MoeModel.open(Path.of(arguments[0]));
        var calibration = SafetensorsFile.open(Path.of(arguments[1]));
        var validation = SafetensorsFile.open(Path.of(arguments[2]))) {
      var tokens = read(calibration).values().iterator().next();
      var domains = read(validation);
      if (arguments[4].equals("original")) {
        System.out.printf("original %.4f%n", loss(model, Map.of(), domains));
      }
      for (int i = 4; i < arguments.length; i++) {
        if (!arguments[i].equals("original")) {
          run(model, Integer.parseInt(arguments[3]), arguments[i], tokens, domains);
        }
      }
    }
  }

  private static void run(
      MoeModel model,
      int keep,
      String repair,
      List<TokenBatch> tokens,
      Map<String, List<TokenBatch>> domains) {
    long start = System.nanoTime();
    Map<Integer, MoeBlock> blocks = new LinkedHashMap<>();
    try (var scope = Scope.open()) {
      var reduction = new SequentialReduction(model, Dtype.F32, options(repair, tokens), 0);
      reduction.run(
          tokens,
          new Contribution(keep),
          (block, report) -> {
            blocks.put(report.layer(), kept(scope, block.block()));
            LayerRepair.HeldOut errors = report.heldOut().orElseThrow();
            System.out.printf(
                "  layer %d: %.4f -> %.4f -> %.4f (training %.4f -> %.4f), fit steps %d%n",
                report.layer(),
                errors.before(),
                errors.refitted(),
                errors.after(),
                report.training().orElseThrow().before(),
                report.training().orElseThrow().after(),
                report.fitSteps());
          });
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          "%d experts, %s: %.4f, %.1f s%n", keep, repair, loss(model, blocks, domains), seconds);
    }
  }

  private static MoeBlock kept(Scope scope, MoeBlock block) {
    MoeBlock wide = StoredTypes.all(Dtype.F32).of(block);
    scope.release(wide.router().weight());
    for (var expert : wide.experts()) {
      scope.release(expert.gate());
      scope.release(expert.up());
      scope.release(expert.down());
    }
    return new MoeBlock(wide.router(), wide.experts(), Optional.empty());
  }

  private static RepairOptions options(String repair, List<TokenBatch> tokens) {
    if (repair.startsWith("fit=")) {
      String[] parts = repair.substring(4).split(",");
      int steps = Integer.parseInt(parts[0]);
      double rate = Double.parseDouble(parts[1]);
      var fit = new FitOptions(steps, 4096, rate, 0.1, 50, 0);
      return new RepairOptions(Optional.of(RefitOptions.DEFAULT), Optional.of(fit));
    }
    return switch (repair) {
      case "none" -> RepairOptions.NONE;
      case "refit" -> RepairOptions.REFIT;
      case "fit" -> RepairOptions.fit(tokens.stream().mapToLong(TokenBatch::tokens).sum());
      default -> throw new IllegalArgumentException(repair);
    };
  }

  private static double loss(
      MoeModel model, Map<Integer, MoeBlock> blocks, Map<String, List<TokenBatch>> domains) {
    double sum = 0;
    for (List<TokenBatch> batches : domains.values()) {
      try (HiddenStates states = HiddenStates.embed(model, batches, Dtype.F32)) {
        for (int l = 0; l < model.architecture().layers(); l++) {
          try (var _ = Scope.open()) {
            states.advance(replaced(model.layer(l, Dtype.F32), blocks), MoeObserver.NONE);
          }
        }
        try (var _ = Scope.open()) {
          var losses = states.losses(model.head(Dtype.F32));
          double total = losses.stream().mapToDouble(HiddenStates.SequenceLoss::sum).sum();
          sum += total / losses.stream().mapToLong(HiddenStates.SequenceLoss::tokens).sum();
        }
      }
    }
    return sum / domains.size();
  }

  private static DecoderLayer replaced(DecoderLayer layer, Map<Integer, MoeBlock> blocks) {
    if (!(layer.feedForward() instanceof FeedForward.Sparse(MoeBlock original))
        || !blocks.containsKey(layer.index())) {
      return layer;
    }
    MoeBlock block = blocks.get(layer.index());
    return layer.with(
        new FeedForward.Sparse(new MoeBlock(block.router(), block.experts(), original.shared())));
  }

  private static Map<String, List<TokenBatch>> read(SafetensorsFile file) {
    Map<String, List<TokenBatch>> all = new LinkedHashMap<>();
    for (StoredTensor stored : file.tensors().values()) {
      try (var _ = Scope.open()) {
        Tensor ids =
            Tensors.ofMemory(file.data(stored), stored.dtype(), Weights.dims(stored.shape()));
        List<int[]> sequences = new ArrayList<>();
        for (int i = 0; i < ids.size(0); i++) {
          long[] row = ids.select(0, i).toLongs();
          sequences.add(java.util.Arrays.stream(row).mapToInt(id -> (int) id).toArray());
        }
        all.put(stored.name(), TokenBatch.split(sequences, BATCH));
      }
    }
    return all;
  }
}
