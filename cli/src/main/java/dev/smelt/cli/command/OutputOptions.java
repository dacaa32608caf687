package dev.smelt.cli.command;

import dev.smelt.io.SmeltException;
import dev.smelt.io.WriterOptions;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** The options of every command that writes a checkpoint. */
public final class OutputOptions {
  private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(|k|M|G|T)i?B?");

  @Option(
      names = "--max-shard-size",
      order = 201,
      paramLabel = "SIZE",
      defaultValue = "5GB",
      description = "Largest size of a weight file, such as 500MB. Default: ${DEFAULT-VALUE}.")
  private String maxShardSize = "";

  @Option(names = "--force", order = 202, description = "Replace an existing output directory.")
  private boolean force;

  /** How the checkpoint is written. */
  WriterOptions options() {
    return new WriterOptions(bytes("--max-shard-size", maxShardSize), force);
  }

  /** A size with a decimal unit, or a binary one with an i; {@code option} is named in messages. */
  static long bytes(String option, String size) {
    Matcher form = SIZE.matcher(size.strip());
    if (!form.matches()) {
      throw SmeltException.usage(
          option + " " + size + ": expected a size", "write it like 5GB or 500MB");
    }
    int power = "kMGT".indexOf(form.group(2)) + (form.group(2).isEmpty() ? 0 : 1);
    double unit = Math.pow(size.contains("i") ? 1024 : 1000, power);
    double bytes = Double.parseDouble(form.group(1)) * unit;
    if (bytes < 1) {
      throw SmeltException.usage(
          option + " " + size + ": expected at least one byte", "write it like 5GB");
    }
    return (long) bytes;
  }
}
