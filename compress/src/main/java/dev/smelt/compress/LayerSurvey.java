package dev.smelt.compress;

import dev.smelt.model.ExpertPart;
import java.util.List;
import java.util.SequencedMap;

/**
 * Numbers that a method wants of every layer before it decides forms, such as singular values or
 * the importance of neurons.
 *
 * @param layer index of the decoder layer
 * @param experts for each expert numbers by matrix
 */
public record LayerSurvey(int layer, List<SequencedMap<ExpertPart, double[]>> experts) {
  /** Copies the list. */
  public LayerSurvey {
    experts = List.copyOf(experts);
  }
}
