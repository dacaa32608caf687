package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import java.util.List;
import java.util.Locale;

/**
 * Loss and perplexity on texts; written as JSON with exactly these names.
 *
 * @param files one entry for each file
 * @param tokens predicted tokens of all files
 * @param loss mean negative log-likelihood per predicted token, in nats
 * @param perplexity its exponential
 */
public record EvaluationResult(List<FileLoss> files, long tokens, double loss, double perplexity) {
  /** Copies the list. */
  public EvaluationResult {
    files = List.copyOf(files);
  }

  /**
   * The loss on one file.
   *
   * @param file path as it was found
   * @param tokens predicted tokens
   * @param loss mean negative log-likelihood per predicted token, in nats
   * @param perplexity its exponential
   */
  public record FileLoss(String file, long tokens, double loss, double perplexity) {}

  static EvaluationResult of(List<FileLoss> files) {
    long tokens = files.stream().mapToLong(FileLoss::tokens).sum();
    double loss = files.stream().mapToDouble(f -> f.loss() * f.tokens()).sum() / tokens;
    return new EvaluationResult(files, tokens, loss, Math.exp(loss));
  }

  /** A row for each file, and the total. */
  public Table table() {
    Table table = new Table("file", "tokens", "loss", "perplexity");
    files.forEach(f -> row(table, f.file(), f.tokens(), f.loss(), f.perplexity()));
    table.rule();
    row(table, "total", tokens, loss, perplexity);
    return table;
  }

  private static void row(Table table, String name, long tokens, double loss, double perplexity) {
    table.row(
        name,
        Units.count(tokens),
        String.format(Locale.ROOT, "%.4f", loss),
        String.format(Locale.ROOT, "%.3f", perplexity));
  }
}
