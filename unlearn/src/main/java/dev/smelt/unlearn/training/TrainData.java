package dev.smelt.unlearn.training;

import java.util.Optional;

/**
 * The two sets of a training.
 *
 * @param forget what is to be forgotten
 * @param retain what is to be kept, if there is a retain set
 */
public record TrainData(SequenceSplit forget, Optional<SequenceSplit> retain) {}
