package dev.smelt.model;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.SmeltException;
import dev.smelt.model.router.Score;
import java.util.List;
import java.util.Optional;

/** The part of a family's description that is about routers; see {@link Family}. */
final class RouterRule {
  /** Which groups of experts stay in the choice. */
  enum Grouping {
    /** There are no groups. */
    NONE,
    /** Groups with the best expert; the experts of others score zero. */
    BEST,
    /** Groups with the best two experts by their sum; the experts of others are out. */
    BEST_TWO
  }

  /** The config field with the number of groups that stay in the choice. */
  static final String GROUPS_KEPT = "topk_group";

  String name = "gate.weight";
  Optional<String> bias = Optional.empty();
  Optional<String> correction = Optional.empty();
  Optional<String> inputScale = Optional.empty();
  Optional<String> expertScale = Optional.empty();
  List<String> topKFields = List.of("num_experts_per_tok");
  Score score = Score.SOFTMAX;
  Optional<String> scoreField = Optional.empty();
  boolean sparseMixer;
  boolean gatesInput;
  Grouping grouping = Grouping.NONE;
  String groupsField = "n_group";
  Optional<String> renormaliseField = Optional.of("norm_topk_prob");
  boolean renormalise;
  double epsilon;
  Optional<String> minimumField = Optional.empty();
  Optional<String> scaleField = Optional.empty();
  double scale = 1;
  Optional<String> softcapField = Optional.empty();
  Optional<String> capacityField = Optional.empty();
  List<String> methods = List.of();

  RouterRule name(String tensor) {
    name = tensor;
    return this;
  }

  RouterRule bias(String tensor) {
    bias = Optional.of(tensor);
    return this;
  }

  /** A bias on the scores for the choice only. */
  RouterRule correction(String tensor) {
    correction = Optional.of(tensor);
    return this;
  }

  RouterRule inputScale(String tensor) {
    inputScale = Optional.of(tensor);
    return this;
  }

  RouterRule expertScale(String tensor) {
    expertScale = Optional.of(tensor);
    return this;
  }

  RouterRule topK(String... fields) {
    topKFields = List.of(fields);
    return this;
  }

  RouterRule sigmoid() {
    score = Score.SIGMOID;
    return this;
  }

  RouterRule softmax() {
    score = Score.SOFTMAX;
    return this;
  }

  /** The score is what a config field says: softmax (renormalised) or sigmoid. */
  RouterRule scoreBy(String field) {
    scoreField = Optional.of(field);
    return this;
  }

  RouterRule sparseMixer() {
    sparseMixer = true;
    return this;
  }

  /** Gate values multiply what experts see. */
  RouterRule gatesInput() {
    gatesInput = true;
    return this;
  }

  RouterRule groups(Grouping kind) {
    grouping = kind;
    return this;
  }

  RouterRule groups(Grouping kind, String field) {
    groupsField = field;
    return groups(kind);
  }

  /** A config whose experts form one group. */
  ModelConfig ungrouped(ModelConfig config) {
    if (grouping == Grouping.NONE || config.integer(groupsField, 1) <= 1) {
      throw SmeltException.usage(
          config.origin() + ": the router does not limit its choice to groups of experts",
          "leave out the option that removes groups");
    }
    ConfigDocument edited =
        config.document().with(config.path(groupsField), 1).with(config.path(GROUPS_KEPT), 1);
    return new ModelConfig(edited, config.origin());
  }

  RouterRule renormalised() {
    renormaliseField = Optional.empty();
    renormalise = true;
    return this;
  }

  RouterRule neverRenormalised() {
    renormaliseField = Optional.empty();
    renormalise = false;
    return this;
  }

  RouterRule renormalisedBy(String field, boolean byDefault) {
    renormaliseField = Optional.of(field);
    renormalise = byDefault;
    return this;
  }

  RouterRule epsilon(double value) {
    epsilon = value;
    return this;
  }

  RouterRule minimum(String field) {
    minimumField = Optional.of(field);
    return this;
  }

  RouterRule scale(String field, double byDefault) {
    scaleField = Optional.of(field);
    scale = byDefault;
    return this;
  }

  RouterRule softcap(String field) {
    softcapField = Optional.of(field);
    return this;
  }

  /** One expert per token, which takes so many tokens of a sequence as a config field says. */
  RouterRule capacity(String field) {
    capacityField = Optional.of(field);
    return this;
  }

  /** Values of {@code topk_method} that this rule implements. */
  RouterRule methods(String... names) {
    methods = List.of(names);
    return this;
  }
}
