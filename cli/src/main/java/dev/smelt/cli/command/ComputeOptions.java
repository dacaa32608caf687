package dev.smelt.cli.command;

import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of every command that runs the model. */
public final class ComputeOptions {
  /** The number format of the computation, as asked for on the command line. */
  public enum Precision {
    /** bf16 where the processor has fast bf16 matrix instructions, else f32. */
    AUTO("auto"),
    /** 32-bit floating point. */
    F32("f32"),
    /** bfloat16. */
    BF16("bf16");

    private final String word;

    Precision(String word) {
      this.word = word;
    }

    @Override
    public String toString() {
      return word;
    }
  }

  @Option(
      names = "--compute",
      order = 901,
      paramLabel = "TYPE",
      description =
          "Number format of the computation: ${COMPLETION-CANDIDATES}. auto is bf16 where the"
              + " processor has fast bf16 matrix instructions, else f32. Default: auto.")
  private Optional<Precision> precision = Optional.empty();

  @Option(
      names = "--threads",
      order = 902,
      defaultValue = "0",
      paramLabel = "N",
      converter = PositiveInteger.OrZero.class,
      description = "Threads of the matrix library. Default: the number of cores.")
  private int threads;

  @Option(
      names = "--seed",
      order = 903,
      paramLabel = "S",
      description = "Seed of everything that is drawn at random. Default: 0.")
  private Optional<Long> seed = Optional.empty();

  /** The number format of the computation. */
  public Precision precision() {
    return precision.orElse(Precision.AUTO);
  }

  /** The number format, if the command line gives it. */
  public Optional<Precision> givenPrecision() {
    return precision;
  }

  /** Threads of the matrix library; 0 for the number of cores. */
  public int threads() {
    return threads;
  }

  /** Seed of everything that is drawn at random. */
  public long seed() {
    return seed.orElse(0L);
  }

  /** The seed, if the command line gives it. */
  public Optional<Long> givenSeed() {
    return seed;
  }
}
