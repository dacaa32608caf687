package dev.smelt.compress;

import dev.smelt.model.ExpertPart;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/** What a weight is worth; the least are masked. */
enum MaskScore {
  /** The absolute value. */
  MAGNITUDE,
  /** The absolute value times the norm of its input over the expert's calibration tokens. */
  WANDA,
  /** A number drawn at random. */
  RANDOM;

  static final List<String> NAMES = List.of("magnitude", "wanda", "random");
  private static final long LAYER_STRIDE = 1_000_003;
  private static final long EXPERT_STRIDE = 8191;
  private static final long PART_STRIDE = 1L << 33;

  static MaskScore named(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }

  String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The scores of a matrix, F32, of its shape, at least 0.
   *
   * @param norms of its inputs, [columns]; without them Wanda is the magnitude
   */
  Tensor of(Place place, Tensor weights, Optional<Tensor> norms, long seed) {
    return switch (this) {
      case MAGNITUDE -> weights.abs();
      case WANDA -> norms.map(weights.abs()::mul).orElseGet(weights::abs);
      case RANDOM -> random(place, weights, seed);
    };
  }

  /**
   * Which matrix it is.
   *
   * @param layer index of the decoder layer
   * @param expert the stored expert
   * @param part of the expert
   */
  record Place(int layer, int expert, ExpertPart part) {}

  private static Tensor random(Place place, Tensor weights, long seed) {
    long own =
        ((seed * LAYER_STRIDE + place.layer()) * EXPERT_STRIDE + place.expert()) * PART_STRIDE
            + place.part().name().hashCode();
    SplittableRandom random = new SplittableRandom(own);
    float[] values = new float[(int) weights.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble();
    }
    return Tensors.ofFloats(values, weights.shape());
  }
}
