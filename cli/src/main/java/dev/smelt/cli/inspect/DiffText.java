package dev.smelt.cli.inspect;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.io.Diff;
import dev.smelt.io.Diff.FieldDifference;
import dev.smelt.io.Diff.Kind;
import dev.smelt.io.Diff.TensorDifference;
import dev.smelt.io.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;

/** A comparison of checkpoints as people and as programs read it. */
public final class DiffText {
  /** Rows of a table that is not asked for in full. */
  public static final int ROWS = 40;

  private DiffText() {}

  /** A line with the counts, then tables of what differs, each of so many rows at most. */
  public static String text(Diff diff, int limit) {
    List<String> parts = new ArrayList<>();
    parts.add(counts(diff));
    List<TensorDifference> tensors =
        diff.tensors().stream().filter(tensor -> tensor.kind() != Kind.EQUAL).toList();
    if (!tensors.isEmpty()) {
      Table table = new Table("tensor", "is", "relative error", "largest", "first", "second");
      tensors.stream().limit(limit).forEach(tensor -> addRow(table, tensor));
      parts.add(table + more(tensors.size(), limit, "tensors"));
    }
    if (!diff.config().isEmpty()) {
      Table table = new Table("config.json", "first", "second");
      diff.config().stream().limit(limit).forEach(field -> addRow(table, field));
      parts.add(table + more(diff.config().size(), limit, "fields"));
    }
    return String.join("\n\n", parts);
  }

  private static String counts(Diff diff) {
    return "tensors: %s equal, %s changed, %s added, %s gone; config.json: %s"
        .formatted(
            Units.count(diff.count(Kind.EQUAL)),
            Units.count(diff.count(Kind.CHANGED)),
            Units.count(diff.count(Kind.ADDED)),
            Units.count(diff.count(Kind.GONE)),
            diff.config().isEmpty() ? "equal" : diff.config().size() + " fields differ");
  }

  private static String more(int size, int limit, String what) {
    return size <= limit ? "" : "\n… and " + Units.count(size - limit) + " " + what + " more";
  }

  private static void addRow(Table table, TensorDifference tensor) {
    table.row(
        tensor.name(),
        word(tensor.kind()),
        tensor.change().map(change -> number(change.relativeError())).orElse("-"),
        tensor.change().map(change -> number(change.maxAbsolute())).orElse("-"),
        form(tensor.first()),
        form(tensor.second()));
  }

  private static void addRow(Table table, FieldDifference field) {
    table.row(field.path(), field.first().orElse("-"), field.second().orElse("-"));
  }

  private static String form(Optional<TensorInfo> tensor) {
    return tensor.map(info -> info.dtype() + " " + info.shape()).orElse("-");
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3g", value);
  }

  private static String word(Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** The comparison as a map for JSON; tensors that are equal are only counted. */
  public static SequencedMap<String, Object> json(Diff diff) {
    SequencedMap<String, Object> fields = new LinkedHashMap<>();
    for (Kind kind : Kind.values()) {
      fields.put(word(kind), diff.count(kind));
    }
    List<Object> tensors = new ArrayList<>();
    diff.tensors().stream()
        .filter(tensor -> tensor.kind() != Kind.EQUAL)
        .forEach(tensor -> tensors.add(json(tensor)));
    fields.put("tensors", tensors);
    List<Object> config = new ArrayList<>();
    diff.config().forEach(field -> config.add(json(field)));
    fields.put("config", config);
    return fields;
  }

  private static SequencedMap<String, Object> json(TensorDifference tensor) {
    SequencedMap<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", tensor.name());
    fields.put("is", word(tensor.kind()));
    tensor.first().ifPresent(info -> fields.put("first", json(info)));
    tensor.second().ifPresent(info -> fields.put("second", json(info)));
    tensor
        .change()
        .ifPresent(
            change -> {
              fields.put("relative_error", change.relativeError());
              fields.put("max_absolute", change.maxAbsolute());
            });
    return fields;
  }

  private static SequencedMap<String, Object> json(TensorInfo info) {
    SequencedMap<String, Object> fields = new LinkedHashMap<>();
    fields.put("dtype", info.dtype().code());
    fields.put("shape", info.shape());
    return fields;
  }

  private static SequencedMap<String, Object> json(FieldDifference field) {
    SequencedMap<String, Object> fields = new LinkedHashMap<>();
    fields.put("field", field.path());
    field.first().ifPresent(text -> fields.put("first", text));
    field.second().ifPresent(text -> fields.put("second", text));
    return fields;
  }
}
