package dev.smelt.merge;

import dev.smelt.merge.alignment.Alignment;
import dev.smelt.model.Expert;
import java.util.List;

/**
 * The result of merging a group.
 *
 * @param expert its weights, F32
 * @param alignments how the members other than the dominant one were matched to it; empty without
 *     alignment
 */
public record MergedExpert(Expert expert, List<Alignment> alignments) {
  /** Copies the list. */
  public MergedExpert {
    alignments = List.copyOf(alignments);
  }
}
