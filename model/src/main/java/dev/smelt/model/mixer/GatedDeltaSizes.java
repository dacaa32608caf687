package dev.smelt.model.mixer;

import dev.smelt.model.ModelConfig;

/**
 * The numbers of a Gated DeltaNet in config.json.
 *
 * @param hidden width of the model
 * @param keyHeads heads of queries and keys; each serves equally many heads of values
 * @param valueHeads heads of values
 * @param keySize size of a query or key
 * @param valueSize size of a value
 * @param kernel width of the convolution
 * @param epsilon of the gated norm
 */
record GatedDeltaSizes(
    long hidden,
    long keyHeads,
    long valueHeads,
    long keySize,
    long valueSize,
    long kernel,
    double epsilon) {

  static GatedDeltaSizes of(ModelConfig config) {
    MixerCheck.silu(config, "hidden_act");
    return new GatedDeltaSizes(
        config.integer("hidden_size"),
        config.integer("linear_num_key_heads", 16),
        config.integer("linear_num_value_heads", 32),
        config.integer("linear_key_head_dim", 128),
        config.integer("linear_value_head_dim", 128),
        config.integer("linear_conv_kernel_dim", 4),
        config.number("rms_norm_eps", 1e-6));
  }

  /** Channels of all keys, which are as many as of all queries. */
  long keys() {
    return keyHeads * keySize;
  }

  /** Channels of all values. */
  long values() {
    return valueHeads * valueSize;
  }

  /** Heads of values that share a key. */
  long perKey() {
    return valueHeads / keyHeads;
  }
}
