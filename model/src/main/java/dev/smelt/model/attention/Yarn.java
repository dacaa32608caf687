package dev.smelt.model.attention;

/**
 * YaRN: slow frequencies are divided by a factor, fast ones stay, those between are blended.
 *
 * @param parameters the rotary parameters of config.json
 * @param inverse frequencies without stretching
 * @param theta the base they come from
 */
record Yarn(RopeReader parameters, double[] inverse, double theta) {

  Rope rope(Rope.Style style) {
    double factor = parameters.required("factor");
    double low = dimension(parameters.number("beta_fast").orElse(32.0));
    double high = dimension(parameters.number("beta_slow").orElse(1.0));
    if (parameters.flag("truncate", true)) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    double from = Math.max(low, 0);
    double to = Math.min(high, 2 * inverse.length - 1);
    double width = from == to ? 0.001 : to - from;
    double[] blended = new double[inverse.length];
    for (int i = 0; i < blended.length; i++) {
      double stretched = Math.clamp((i - from) / width, 0, 1);
      blended[i] = inverse[i] / factor * stretched + inverse[i] * (1 - stretched);
    }
    return new Rope(style, blended, scale(factor));
  }

  /** The dimension whose wave turns {@code turns} times in the original length. */
  private double dimension(double turns) {
    double length = parameters.originalLength();
    return 2 * inverse.length * Math.log(length / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  private double scale(double factor) {
    double all = parameters.number("mscale_all_dim").orElse(0.0);
    double own = parameters.number("mscale").orElse(0.0);
    double byDefault =
        all != 0 && own != 0
            ? magnitude(factor, own) / magnitude(factor, all)
            : magnitude(factor, 1);
    return parameters.number("attention_factor").orElse(byDefault);
  }

  static double magnitude(double factor, double weight) {
    return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
  }
}
