package dev.smelt.cli.command;

import dev.smelt.cli.pipeline.ForgetTexts;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that say what is to be forgotten, and what is not. */
public final class ForgetOptions {
  @Option(
      names = "--forget",
      arity = "1..*",
      order = 101,
      paramLabel = "FILE[:W]",
      description =
          "Text to forget, with an optional weight: .txt, .jsonl, .npy or .safetensors files,"
              + " directories or globs.")
  private List<String> forget = new ArrayList<>();

  @Option(
      names = "--retain",
      arity = "1..*",
      order = 102,
      paramLabel = "FILE[:W]",
      description = "Text that the model must go on to know, likewise.")
  private List<String> retain = new ArrayList<>();

  @Option(
      names = "--sequences",
      order = 103,
      paramLabel = "N",
      defaultValue = "256",
      converter = PositiveInteger.class,
      description = "Sequences to draw of each set. Default: ${DEFAULT-VALUE}.")
  private int sequences;

  @Option(
      names = "--length",
      order = 104,
      paramLabel = "L",
      defaultValue = "512",
      converter = PositiveInteger.class,
      description = "Tokens per sequence. Default: ${DEFAULT-VALUE}.")
  private int length;

  @Option(
      names = "--pack",
      order = 105,
      description = "Let sequences run from one document into the next.")
  private boolean pack;

  /** What is to be forgotten and what is not. */
  ForgetTexts texts() {
    return new ForgetTexts(forget, retain, sequences, length, pack);
  }
}
