package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.Dtype;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The gradient of the loss with respect to one expert and its router, against central differences
 * along random directions, in F64.
 */
class GradientTest {
  private static final double STEP = 1e-6;
  private static final double TOLERANCE = 1e-4;

  static List<String> goldens() {
    return Goldens.SUPPORTED;
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void agreesWithFiniteDifferences(String name) {
    try (var model = Goldens.open(name);
        var golden = SafetensorsFile.open(Goldens.directory(name).resolve("golden.safetensors"));
        var _ = Scope.open()) {
      Subject subject = Subject.of(model, Goldens.tokens(golden));
      List<Tensor> parameters = subject.parameters();
      parameters.forEach(Autograd::require);
      List<Tensor> gradients;
      try (var recording = Autograd.record()) {
        gradients = recording.gradients(subject.loss(parameters), parameters);
      }
      for (int p = 0; p < parameters.size(); p++) {
        check(name + " parameter " + p, subject, parameters, gradients.get(p), p);
      }
    }
  }

  private static void check(
      String what, Subject subject, List<Tensor> parameters, Tensor gradient, int p) {
    Tensor direction = direction(parameters.get(p).shape(), 17L + p);
    double expected = subject.slope(parameters, p, direction);
    double actual = gradient.mul(direction).sum().item();
    assertThat(actual)
        .as(what)
        .isCloseTo(expected, within(TOLERANCE * Math.max(1e-3, Math.abs(expected))));
  }

  private static Tensor direction(long[] shape, long seed) {
    Random random = new Random(seed);
    double[] values = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.setAll(values, i -> random.nextGaussian());
    return Tensors.ofDoubles(values, shape);
  }

  /** A model in F64 whose loss depends on one expert and its router. */
  private record Subject(
      MoeModel model,
      TokenBatch batch,
      List<DecoderLayer> layers,
      int layer,
      int expert,
      LanguageHead head) {

    static Subject of(MoeModel model, TokenBatch batch) {
      List<DecoderLayer> layers = new ArrayList<>();
      for (int l = 0; l < model.architecture().layers(); l++) {
        layers.add(model.layer(l, Dtype.F64));
      }
      int layer = model.moeLayers().getFirst().layer();
      LanguageHead head = model.head(Dtype.F64);
      int[] busiest = {0};
      Subject probe = new Subject(model, batch, layers, layer, 0, head);
      probe.run(
          Function.identity(),
          new MoeObserver() {
            @Override
            public void computed(int at, ExpertSlots slots) {
              busiest[0] = at == layer ? busiest(slots.offsets(), probe.block()) : busiest[0];
            }
          });
      return new Subject(model, batch, layers, layer, busiest[0], head);
    }

    private static int busiest(long[] offsets, MoeBlock block) {
      int best = 0;
      for (int e = 0; e < block.experts().size(); e++) {
        if (offsets[e + 1] - offsets[e] > offsets[best + 1] - offsets[best]) {
          best = e;
        }
      }
      return best;
    }

    private MoeBlock block() {
      return ((FeedForward.Sparse) layers.get(layer).feedForward()).block();
    }

    /** The router's matrix, then the parts of the expert. */
    List<Tensor> parameters() {
      List<Tensor> parameters = new ArrayList<>();
      parameters.add(block().router().weight().copy());
      block().experts().get(expert).parts().values().forEach(t -> parameters.add(t.copy()));
      return parameters;
    }

    private MoeBlock with(List<Tensor> parameters) {
      MoeBlock block = block();
      List<Expert> experts = new ArrayList<>(block.experts());
      var rest = parameters.subList(1, parameters.size()).iterator();
      experts.set(expert, experts.get(expert).map((part, tensor) -> rest.next()));
      return block.with(block.router().with(parameters.getFirst()), experts);
    }

    Tensor loss(List<Tensor> parameters) {
      MoeBlock changed = with(parameters);
      Tensor hidden =
          run(
              l -> l.index() == layer ? l.with(new FeedForward.Sparse(changed)) : l,
              MoeObserver.NONE);
      int[] ids = batch.sequences().getFirst();
      Tensor targets = Tensors.ofInts(Arrays.copyOfRange(ids, 1, ids.length));
      return head.losses(hidden.select(0, 0).narrow(0, 0, ids.length - 1), targets).mean();
    }

    private Tensor run(Function<DecoderLayer, DecoderLayer> change, MoeObserver observer) {
      Tensor hidden = model.embed(batch.ids(), Dtype.F64);
      for (DecoderLayer l : layers) {
        hidden = change.apply(l).apply(hidden, batch, observer);
      }
      return hidden;
    }

    /** The derivative of the loss along a direction of one parameter. */
    double slope(List<Tensor> parameters, int p, Tensor direction) {
      return (shifted(parameters, p, direction, STEP) - shifted(parameters, p, direction, -STEP))
          / (2 * STEP);
    }

    private double shifted(List<Tensor> parameters, int p, Tensor direction, double step) {
      List<Tensor> moved = new ArrayList<>(parameters);
      moved.set(p, parameters.get(p).detach().addScaled(direction, step));
      return loss(moved).item();
    }
  }
}
