package dev.smelt.cli.pipeline;

import dev.smelt.cli.console.Table;
import dev.smelt.cli.console.Units;
import dev.smelt.merge.Group;
import dev.smelt.merge.LayerPlan;
import dev.smelt.merge.ReducePlan;
import dev.smelt.model.MoeModel;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;

/** What a reduction would do and need, without doing it. */
public final class DryRun {
  private DryRun() {}

  /** Prints the plan, and the memory, disk and time that it needs. */
  public static void print(ReductionTask task) {
    Session session = task.session();
    ReducePlan plan = task.reducer(new Stopwatch()).plan();
    session.console().result(groups(plan).toString());
    session.console().result("");
    session.console().result(needs(task, plan).toString());
    if (task.sequential()) {
      session
          .console()
          .info("this plan is one on the original model; the run plans on the reduced one");
    }
    session.console().info("nothing was written (--dry-run)");
  }

  private static Table groups(ReducePlan plan) {
    Table table = new Table("layer", "experts", "groups (dominant expert first)");
    for (LayerPlan layer : plan.layers()) {
      table.row(
          layer.layer(),
          layer.groups().size(),
          layer.groups().stream().map(DryRun::group).collect(Collectors.joining("  ")));
    }
    return table;
  }

  private static String group(Group group) {
    List<String> others =
        group.members().stream()
            .filter(member -> member != group.dominant())
            .map(String::valueOf)
            .toList();
    return others.isEmpty()
        ? String.valueOf(group.dominant())
        : group.dominant() + "+" + String.join("+", others);
  }

  private static Table needs(ReductionTask task, ReducePlan plan) {
    MoeModel model = task.session().model();
    Needs needs = Needs.of(task, plan);
    Table table = new Table("needs", "");
    table.row("memory", "about " + Units.bytes(needs.memoryBytes()));
    table.row("disk", Units.bytes(needs.diskBytes()));
    table.row("time", "about " + Units.duration(Duration.ofMillis(needs.milliseconds())));
    table.row(
        "weights",
        Units.bytes(model.checkpoint().tensors().values().stream().mapToLong(t -> t.bytes()).sum())
            + " -> "
            + Units.bytes(task.bytesAfter(plan)));
    return table;
  }
}
