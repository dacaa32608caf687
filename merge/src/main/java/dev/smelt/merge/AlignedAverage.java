package dev.smelt.merge;

import dev.smelt.merge.alignment.Aligned;
import dev.smelt.merge.alignment.Aligner;
import dev.smelt.merge.alignment.Alignment;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.merge.alignment.ExpertAligner;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjDoubleConsumer;

/** The weighted mean of the members of a group, each aligned to the dominant one, summed in F32. */
final class AlignedAverage {
  private AlignedAverage() {}

  /** Aligned by {@link ExpertAligner}. */
  static MergedExpert of(LayerContext context, Group group, AlignmentMode mode) {
    Expert dominant = context.expert(group.dominant());
    Aligner aligner =
        new ExpertAligner(dominant, mode, context.sampledInputs(mode.usesActivations()));
    return of(context, group, dominant, aligner, (_, _) -> {});
  }

  /**
   * Aligned in some way.
   *
   * @param dominant the dominant expert of the group
   * @param aligner aligns to it
   * @param watch sees each aligned member with its weight, before it is gone
   */
  static MergedExpert of(
      LayerContext context,
      Group group,
      Expert dominant,
      Aligner aligner,
      ObjDoubleConsumer<Expert> watch) {
    List<Alignment> alignments = new ArrayList<>();
    Expert sum = zeros(dominant);
    for (int i = 0; i < group.members().size(); i++) {
      int member = group.members().get(i);
      double weight = group.weights().get(i);
      try (var _ = Scope.open()) {
        Expert counted = dominant;
        if (member != group.dominant()) {
          Aligned aligned = aligner.align(context.expert(member));
          aligned.alignment().ifPresent(alignments::add);
          counted = aligned.expert();
        }
        add(sum, counted, weight);
        watch.accept(counted, weight);
      }
    }
    return new MergedExpert(sum, alignments);
  }

  private static Expert zeros(Expert like) {
    return like.map((_, part) -> Tensors.zeros(part.dtype(), part.shape()));
  }

  private static void add(Expert sum, Expert member, double weight) {
    var parts = member.parts();
    sum.parts().forEach((part, total) -> total.addInPlace(parts.get(part), weight));
  }
}
