package dev.smelt.cli.inspect;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.cli.inspect.ModelSummary.Group;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/** A summary as people and as programs read it. */
public final class SummaryText {
  private SummaryText() {}

  /** Facts, one per line, and a table of tensor groups. */
  public static String text(ModelSummary summary) {
    List<String> lines = new ArrayList<>();
    lines.add(summary.directory().toString());
    facts(summary).forEach((name, value) -> lines.add("  %-16s%s".formatted(name, value)));
    lines.add("");
    lines.add(groups(summary).toString());
    return String.join("\n", lines);
  }

  private static SequencedMap<String, String> facts(ModelSummary summary) {
    SequencedMap<String, String> facts = new LinkedHashMap<>();
    facts.put("model type", summary.modelType() + " (" + summary.architecture() + ")");
    facts.put("layers", layers(summary));
    facts.put("experts", experts(summary));
    facts.put("shared experts", summary.sharedExperts() == 0 ? "none" : sharedExperts(summary));
    facts.put("hidden size", known(summary.hidden()));
    facts.put("parameters", parameters(summary));
    facts.put("stored", stored(summary));
    return facts;
  }

  private static String layers(ModelSummary summary) {
    String layers = summary.layers() + ", " + summary.expertsByLayer().size() + " of them MoE";
    return summary.extraLayers() == 0
        ? layers
        : layers + "; " + summary.extraLayers() + " more that predict further tokens";
  }

  private static String experts(ModelSummary summary) {
    if (summary.isDense()) {
      return "none: a dense model";
    }
    List<Long> counts = summary.expertCounts();
    String count =
        counts.size() == 1 ? counts.getFirst() + "" : counts.getFirst() + " to " + counts.getLast();
    return "%s per layer, top-%s, width %s"
        .formatted(count, known(summary.topK()), known(summary.expertWidth()));
  }

  private static String sharedExperts(ModelSummary summary) {
    return summary.sharedExperts() + " per MoE layer";
  }

  private static String parameters(ModelSummary summary) {
    return Units.shortCount(summary.parameters())
        + " in all, "
        + Units.shortCount(summary.activeParameters())
        + " active per token";
  }

  private static String stored(ModelSummary summary) {
    String dtypes =
        summary.dtypes().entrySet().stream()
            .map(entry -> entry.getKey() + " " + Units.bytes(entry.getValue()))
            .collect(Collectors.joining(", "));
    return "%s in %d tensors and %d %s (%s); head %s"
        .formatted(
            Units.bytes(summary.bytes()),
            summary.tensors(),
            summary.shards(),
            summary.shards() == 1 ? "file" : "files",
            dtypes,
            summary.tied() ? "tied to the embeddings" : "of its own");
  }

  private static String known(long number) {
    return number == 0 ? "unknown" : Long.toString(number);
  }

  private static Table groups(ModelSummary summary) {
    Table table = new Table("group", "tensors", "parameters", "share", "bytes");
    summary
        .groups()
        .forEach((role, group) -> addRow(table, role.label(), group, summary.parameters()));
    Group total = new Group(summary.tensors(), summary.parameters(), summary.bytes());
    addRow(table.rule(), "total", total, summary.parameters());
    return table;
  }

  private static void addRow(Table table, String label, Group group, long all) {
    table.row(
        label,
        Units.count(group.tensors()),
        Units.count(group.parameters()),
        Units.percent(all == 0 ? 0 : (double) group.parameters() / all),
        Units.bytes(group.bytes()));
  }

  /** The summary as a map for JSON; what is not known is left out. */
  public static SequencedMap<String, Object> json(ModelSummary summary) {
    SequencedMap<String, Object> fields = new LinkedHashMap<>();
    fields.put("directory", summary.directory().toString());
    fields.put("model_type", summary.modelType());
    fields.put("architecture", summary.architecture());
    fields.put("dense", summary.isDense());
    fields.put("layers", summary.layers());
    fields.put("moe_layers", summary.expertsByLayer().size());
    if (summary.expertCounts().size() == 1) {
      fields.put("experts", summary.expertCounts().getFirst());
    }
    fields.put("experts_by_layer", summary.expertsByLayer());
    putKnown(fields, "top_k", summary.topK());
    putKnown(fields, "hidden_size", summary.hidden());
    putKnown(fields, "expert_width", summary.expertWidth());
    fields.put("shared_experts", summary.sharedExperts());
    fields.put("parameters", summary.parameters());
    fields.put("active_parameters", summary.activeParameters());
    fields.put("extra_layers", summary.extraLayers());
    fields.put("bytes", summary.bytes());
    fields.put("files", summary.shards());
    fields.put("tensors", summary.tensors());
    fields.put("tied_embeddings", summary.tied());
    fields.put("dtypes", summary.dtypes());
    SequencedMap<String, Group> groups = new LinkedHashMap<>();
    summary
        .groups()
        .forEach((role, group) -> groups.put(role.name().toLowerCase(Locale.ROOT), group));
    fields.put("groups", groups);
    return fields;
  }

  private static void putKnown(SequencedMap<String, Object> fields, String name, long value) {
    if (value != 0) {
      fields.put(name, value);
    }
  }
}
