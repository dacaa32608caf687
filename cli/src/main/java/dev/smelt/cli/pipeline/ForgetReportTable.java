package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.cli.pipeline.ForgetReport.Knowledge;
import dev.smelt.cli.pipeline.ForgetReport.Pair;
import dev.smelt.cli.pipeline.ForgetReport.SetReport;
import dev.smelt.cli.pipeline.ForgetReport.TofuReport;
import dev.smelt.unlearn.measure.Membership;
import dev.smelt.unlearn.measure.Relearning;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A forget report as a table that says of each measure what a good value is. */
public final class ForgetReportTable {
  private final Table table = new Table("measure", "before", "after", "good is");

  private ForgetReportTable() {}

  /** The table. */
  public static Table of(ForgetReport report) {
    ForgetReportTable rows = new ForgetReportTable();
    rows.forget(report.forget());
    rows.retain(report.retain());
    report.membership().ifPresent(rows::membership);
    report.relearning().ifPresent(rows::relearning);
    report.tofu().ifPresent(rows::tofu);
    return rows.table;
  }

  private void forget(SetReport set) {
    knowledge("forget", set, "as high as for text it never saw", "as low as for such text");
    row("forget loss, original routing", "-", number(set.forcedLoss()), "the loss after: erased");
    row("forget routing overlap", "-", Units.percent(set.routingOverlap()), "high: not rerouted");
  }

  private void retain(SetReport set) {
    knowledge("retain", set, "as before", "as before");
    row("retain loss, original routing", "-", number(set.forcedLoss()), "the loss after");
    row("retain routing overlap", "-", Units.percent(set.routingOverlap()), "near 100 %");
    row("retain divergence", "-", number(set.divergence()), "near 0");
  }

  private void knowledge(String name, SetReport set, String loss, String memorised) {
    Knowledge before = set.before();
    Knowledge after = set.after();
    row(name + " loss", number(before.loss()), number(after.loss()), loss);
    row(name + " perplexity", large(before.perplexity()), large(after.perplexity()), loss);
    row(
        name + " exact memorisation",
        Units.percent(before.exactMemorisation()),
        Units.percent(after.exactMemorisation()),
        memorised);
    row(
        name + " extraction strength",
        Units.percent(before.extractionStrength()),
        Units.percent(after.extractionStrength()),
        memorised);
    if (before.recall().isPresent()) {
      row(
          name + " ROUGE-L recall",
          number(before.recall().get()),
          number(after.recall().orElseThrow()),
          memorised);
    }
  }

  private void membership(Pair<Membership> pair) {
    String good = "0.5: like text it never saw";
    Membership before = pair.before();
    Membership after = pair.after();
    row("membership by loss", number(before.loss()), number(after.loss()), good);
    row("membership by zlib ratio", number(before.zlib()), number(after.zlib()), good);
    row("membership by Min-K", number(before.minK()), number(after.minK()), good);
    row("membership by Min-K++", number(before.minKPlusPlus()), number(after.minKPlusPlus()), good);
  }

  private void relearning(Pair<List<Relearning.Point>> pair) {
    for (int i = 0; i < Math.min(pair.before().size(), pair.after().size()); i++) {
      row(
          "forget loss relearnt, step " + pair.before().get(i).step(),
          number(pair.before().get(i).loss()),
          number(pair.after().get(i).loss()),
          "stays far above before");
    }
  }

  private void tofu(TofuReport tofu) {
    tofu.forgetProbability().ifPresent(p -> pair("TOFU forget probability", p, "low"));
    tofu.forgetRecall().ifPresent(p -> pair("TOFU forget recall", p, "low"));
    tofu.forgetTruth().ifPresent(p -> pair("TOFU forget truth", p, "low"));
    tofu.forgetQuality()
        .ifPresent(
            p ->
                row(
                    "TOFU forget quality",
                    scientific(p.before()),
                    scientific(p.after()),
                    "above 0.05: like the retrained model"));
    tofu.utility().ifPresent(p -> pair("TOFU model utility", p, "as before"));
  }

  private void pair(String name, Pair<Double> pair, String good) {
    row(name, number(pair.before()), number(pair.after()), good);
  }

  private void row(String name, String before, String after, String good) {
    table.row(name, before, after, good);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private static String large(double value) {
    return String.format(Locale.ROOT, value < 1e6 ? "%.3f" : "%.2e", value);
  }

  private static String scientific(double value) {
    return String.format(Locale.ROOT, "%.2e", value);
  }

  /** What the numbers say together. */
  public static List<String> remarks(ForgetReport report) {
    List<String> remarks = new ArrayList<>();
    SetReport forget = report.forget();
    double rise = forget.after().loss() - forget.before().loss();
    if (rise > 0.05) {
      double back = (forget.after().loss() - forget.forcedLoss()) / rise;
      remarks.add(
          String.format(
              Locale.ROOT,
              "with the original routing %.0f %% of the rise of the forget loss goes back: that"
                  + " part was rerouted, not erased",
              100 * Math.clamp(back, 0.0, 1.0)));
    }
    report
        .relearning()
        .ifPresent(
            pair -> {
              double first = pair.after().getFirst().loss() - pair.before().getFirst().loss();
              double last = pair.after().getLast().loss() - pair.before().getLast().loss();
              if (first > 0.05) {
                remarks.add(
                    String.format(
                        Locale.ROOT,
                        "after %d steps of relearning %.0f %% of the distance to the model before"
                            + " is closed",
                        pair.after().getLast().step(),
                        100 * Math.clamp(1 - last / first, 0.0, 1.0)));
              }
            });
    forget.examples().stream()
        .findFirst()
        .ifPresent(
            example -> {
              remarks.add("forget set: ..." + tail(example.before().prompt()));
              remarks.add("  goes on: " + head(example.before().expected()));
              remarks.add("  before:  " + head(example.before().found()));
              remarks.add("  after:   " + head(example.after().found()));
            });
    return remarks;
  }

  private static String tail(String text) {
    String line = line(text);
    return line.substring(Math.max(0, line.length() - 80));
  }

  private static String head(String text) {
    String line = line(text);
    return line.substring(0, Math.min(120, line.length()));
  }

  private static String line(String text) {
    return text.replaceAll("\\s+", " ").strip();
  }
}
