package dev.smelt.merge;

import dev.smelt.merge.alignment.Aligned;
import dev.smelt.merge.alignment.Alignment;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.merge.alignment.ExpertAligner;
import dev.smelt.model.Expert;
import dev.smelt.model.tensor.Scope;
import dev.smelt.model.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;

/** The weighted mean of the members of a group, each aligned to the dominant one, summed in F32. */
final class AlignedAverage {
  private AlignedAverage() {}

  static MergedExpert of(LayerContext context, Group group, AlignmentMode mode) {
    Expert dominant = context.expert(group.dominant());
    ExpertAligner aligner =
        new ExpertAligner(dominant, mode, context.sampledInputs(mode.usesActivations()));
    List<Alignment> alignments = new ArrayList<>();
    Expert sum = zeros(dominant);
    for (int i = 0; i < group.members().size(); i++) {
      int member = group.members().get(i);
      double weight = group.weights().get(i);
      if (member == group.dominant()) {
        add(sum, dominant, weight);
      } else {
        try (var _ = Scope.open()) {
          Aligned aligned = aligner.align(context.expert(member));
          add(sum, aligned.expert(), weight);
          aligned.alignment().ifPresent(alignments::add);
        }
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
