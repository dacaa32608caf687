package dev.smelt.compress;

import java.util.List;

/**
 * A way to make experts smaller. Methods are listed in {@link CompressionMethods}; each is one
 * file, which says what its options are and makes the {@link Compressor}.
 */
public interface CompressionMethod {
  /** The name on the command line, in kebab case. */
  String name();

  /** One sentence for the help and the documentation. */
  String summary();

  /** The options that it understands; the command line offers those of all methods. */
  List<MethodOption> options();

  /**
   * Reads the options.
   *
   * @throws dev.smelt.io.SmeltException (usage) if one is missing or wrong
   */
  Compressor configure(GivenOptions given);
}
