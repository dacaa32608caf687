package dev.smelt.model.mixer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.io.Dtype;
import dev.smelt.model.tensor.Autograd;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The chunked recurrences against the same recurrences one token after the other, in F64. */
class SequentialTest {
  private static final int BATCH = 2;
  private static final int HEADS = 4;
  private static final int KEY = 5;
  private static final int VALUE = 3;

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 300})
  void deltaRuleWithADecayPerHead(int length) {
    delta(length, 1, 0.5);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 17, 63, 64, 65, 300})
  void deltaRuleWithADecayPerChannel(int length) {
    delta(length, KEY, 0.5);
  }

  /** Decays of exp(-30) per token would overflow if they were inverted. */
  @ParameterizedTest
  @ValueSource(ints = {1, KEY})
  void deltaRuleForgetsFast(int channels) {
    delta(130, channels, 30);
  }

  private static void delta(int length, int channels, double rate) {
    Random random = new Random(length);
    try (var _ = Scope.open()) {
      Tensor q = gaussian(random, BATCH, length, HEADS, KEY);
      Tensor k = gaussian(random, BATCH, length, HEADS, KEY);
      Tensor v = gaussian(random, BATCH, length, HEADS, VALUE);
      Tensor g = gaussian(random, BATCH, length, HEADS, channels).abs().mul(-rate);
      Tensor beta = gaussian(random, BATCH, length, HEADS, 1).sigmoid();
      check(DeltaRule::apply, SequentialTest::sequentialDelta, List.of(q, k, v, g, beta));
    }
  }

  private static Tensor sequentialDelta(Tensor q, Tensor k, Tensor v, Tensor g, Tensor beta) {
    Tensor state = Tensors.zeros(Dtype.F64, BATCH, HEADS, KEY, VALUE);
    List<Tensor> outputs = new ArrayList<>();
    for (long t = 0; t < q.size(1); t++) {
      Tensor key = unit(k.select(1, t)).unsqueeze(-1);
      Tensor query = unit(q.select(1, t)).mul(1 / Math.sqrt((double) KEY)).unsqueeze(-1);
      state = state.mul(g.select(1, t).exp().unsqueeze(-1));
      Tensor recalled = state.mul(key).sum(2);
      Tensor correction = v.select(1, t).sub(recalled).mul(beta.select(1, t));
      state = state.addProduct(key, correction.unsqueeze(2));
      outputs.add(state.mul(query).sum(2));
    }
    return Tensors.stack(outputs).transpose(0, 1);
  }

  private static Tensor unit(Tensor vectors) {
    return vectors.div(vectors.square().sum(-1).add(1e-6).sqrt().unsqueeze(-1));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 300})
  void decayScan(int length) {
    Random random = new Random(length);
    try (var _ = Scope.open()) {
      Tensor q = gaussian(random, BATCH, length, 2, KEY);
      Tensor k = gaussian(random, BATCH, length, 2, KEY);
      Tensor v = gaussian(random, BATCH, length, HEADS, VALUE);
      Tensor g = gaussian(random, BATCH, length, HEADS).abs().mul(-length / 10.0);
      check(
          in -> DecayScan.apply(in.get(0), in.get(1), in.get(2), in.get(3)),
          in -> sequentialDecay(in.get(0), in.get(1), in.get(2), in.get(3)),
          List.of(q, k, v, g));
    }
  }

  private static Tensor sequentialDecay(Tensor q, Tensor k, Tensor v, Tensor g) {
    Tensor state = Tensors.zeros(Dtype.F64, BATCH, HEADS, KEY, VALUE);
    List<Tensor> outputs = new ArrayList<>();
    for (long t = 0; t < q.size(1); t++) {
      Tensor decay = g.select(1, t).exp().reshape(BATCH, HEADS, 1, 1);
      Tensor value = v.select(1, t).unsqueeze(2);
      state = state.mul(decay).addProduct(perHead(k.select(1, t)), value);
      outputs.add(state.mul(perHead(q.select(1, t))).sum(2));
    }
    return Tensors.stack(outputs).transpose(0, 1);
  }

  /** [B, groups, k] to [B, heads, k, 1]. */
  private static Tensor perHead(Tensor shared) {
    return shared.unsqueeze(2).expand(BATCH, 2, HEADS / 2, KEY).reshape(BATCH, HEADS, KEY, 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 300})
  void selectiveScan(int length) {
    Random random = new Random(length);
    try (var _ = Scope.open()) {
      Tensor x = gaussian(random, BATCH, length, VALUE);
      Tensor dt = gaussian(random, BATCH, length, VALUE).softplus();
      Tensor rates = gaussian(random, VALUE, KEY).exp().mul(-1);
      Tensor into = gaussian(random, BATCH, length, KEY);
      Tensor outOf = gaussian(random, BATCH, length, KEY);
      check(
          SelectiveScan::apply, SequentialTest::sequentialScan, List.of(x, dt, rates, into, outOf));
    }
  }

  private static Tensor sequentialScan(
      Tensor x, Tensor dt, Tensor rates, Tensor into, Tensor outOf) {
    Tensor state = Tensors.zeros(Dtype.F64, BATCH, VALUE, KEY);
    List<Tensor> outputs = new ArrayList<>();
    for (long t = 0; t < x.size(1); t++) {
      Tensor step = dt.select(1, t).unsqueeze(-1);
      Tensor added = step.mul(x.select(1, t).unsqueeze(-1)).mul(into.select(1, t).unsqueeze(1));
      state = state.mul(step.mul(rates).exp()).add(added);
      outputs.add(state.mul(outOf.select(1, t).unsqueeze(1)).sum(-1));
    }
    return Tensors.stack(outputs).transpose(0, 1);
  }

  /** Five inputs. */
  @FunctionalInterface
  private interface Five {
    Tensor apply(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e);
  }

  /** Any inputs. */
  @FunctionalInterface
  private interface Any {
    Tensor apply(List<Tensor> inputs);
  }

  private static void check(Five chunked, Five sequential, List<Tensor> inputs) {
    check(spread(chunked), spread(sequential), inputs);
  }

  private static Any spread(Five f) {
    return in -> f.apply(in.get(0), in.get(1), in.get(2), in.get(3), in.get(4));
  }

  /** Values and gradients in F64, and values in F32. */
  private static void check(Any chunked, Any sequential, List<Tensor> inputs) {
    Tensor expected = sequential.apply(inputs);
    assertClose(chunked.apply(inputs), expected, 1e-10);
    List<Tensor> single = inputs.stream().map(t -> t.to(Dtype.F32)).toList();
    assertClose(chunked.apply(single).to(Dtype.F64), expected, 1e-4);
    assertClose(gradients(chunked, inputs), gradients(sequential, inputs));
  }

  private static List<Tensor> gradients(Any f, List<Tensor> inputs) {
    List<Tensor> leaves = inputs.stream().map(Tensor::copy).toList();
    leaves.forEach(Autograd::require);
    try (var recording = Autograd.record()) {
      Tensor result = f.apply(leaves);
      Tensor weights = gaussian(new Random(7), result.shape());
      return recording.gradients(result.mul(weights).sum(), leaves);
    }
  }

  private static void assertClose(List<Tensor> actual, List<Tensor> expected) {
    for (int i = 0; i < actual.size(); i++) {
      assertClose(actual.get(i), expected.get(i), 1e-9);
    }
  }

  private static void assertClose(Tensor actual, Tensor expected, double tolerance) {
    assertThat(actual.shape()).containsExactly(expected.shape());
    double scale = Math.max(1, expected.maxAbs());
    assertThat(actual.sub(expected).maxAbs()).isLessThan(tolerance * scale);
  }

  private static Tensor gaussian(Random random, long... shape) {
    long count = 1;
    for (long size : shape) {
      count *= size;
    }
    return Tensors.ofDoubles(
        random.doubles(count).map(_ -> random.nextGaussian()).toArray(), shape);
  }
}
