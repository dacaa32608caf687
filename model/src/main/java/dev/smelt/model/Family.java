package dev.smelt.model;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What smelt must be told about a family of checkpoints; everything that tensors show by their
 * presence and shape (biases, query and key norms, shared experts, tied head, which layers have
 * experts) is not part of it.
 *
 * @param modelType {@code model_type} in config.json
 * @param block prefix of the expert block inside a layer
 * @param expert names of an expert's matrices: gate, up, down
 * @param router name of the router's matrix inside the block
 * @param sharedExpert prefix of the shared expert inside the block
 * @param renormalisation whether the gate values of the chosen experts are made to sum to one
 * @param window which layers attend to a sliding window
 * @param expertWidth config field with the width of an expert
 * @param ropeTheta base of the rotary embedding where config.json is silent
 * @param normEpsilon epsilon of the norms where config.json is silent
 */
public record Family(
    String modelType,
    String block,
    ExpertNames expert,
    String router,
    Optional<String> sharedExpert,
    Renormalisation renormalisation,
    WindowRule window,
    String expertWidth,
    double ropeTheta,
    double normEpsilon) {

  /**
   * Config fields that may hold the number of routed experts; all that are present are kept true.
   */
  public static final List<String> EXPERT_COUNT_FIELDS =
      List.of("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts");

  /**
   * Names of an expert's matrices on disk.
   *
   * @param gate the matrix before the activation, [width, hidden]
   * @param up the matrix beside it, [width, hidden]
   * @param down the matrix after them, [hidden, width]
   */
  public record ExpertNames(String gate, String up, String down) {}

  /** Whether the chosen gate values are divided by their sum. */
  public enum Renormalisation {
    /** In every model of the family. */
    ALWAYS,
    /** If {@code norm_topk_prob} says so. */
    CONFIG
  }

  /**
   * The sliding window of a layer: each token sees itself and the tokens before, so many in all.
   */
  @FunctionalInterface
  public interface WindowRule {
    /** The window of a layer in tokens; empty if the layer sees everything before it. */
    OptionalLong of(ModelConfig config, int layer);
  }

  /** Starts a description with the defaults that most families share. */
  static Builder named(String modelType) {
    return new Builder(modelType);
  }

  /** Collects a description. */
  static final class Builder {
    private final String modelType;
    private String block = "mlp.";
    private ExpertNames expert = new ExpertNames("gate_proj", "up_proj", "down_proj");
    private Optional<String> sharedExpert = Optional.empty();
    private Renormalisation renormalisation = Renormalisation.CONFIG;
    private WindowRule window = (config, layer) -> OptionalLong.empty();
    private String expertWidth = "moe_intermediate_size";
    private double ropeTheta = 10_000;
    private double normEpsilon = 1e-6;

    private Builder(String modelType) {
      this.modelType = modelType;
    }

    Builder block(String prefix, String gate, String up, String down) {
      block = prefix;
      expert = new ExpertNames(gate, up, down);
      return this;
    }

    Builder sharedExpert(String prefix) {
      sharedExpert = Optional.of(prefix);
      return this;
    }

    Builder renormalisation(Renormalisation rule) {
      renormalisation = rule;
      return this;
    }

    Builder window(WindowRule rule) {
      window = rule;
      return this;
    }

    Builder expertWidth(String field) {
      expertWidth = field;
      return this;
    }

    Builder ropeTheta(double theta) {
      ropeTheta = theta;
      return this;
    }

    Builder normEpsilon(double epsilon) {
      normEpsilon = epsilon;
      return this;
    }

    Family build() {
      return new Family(
          modelType,
          block,
          expert,
          "gate.weight",
          sharedExpert,
          renormalisation,
          window,
          expertWidth,
          ropeTheta,
          normEpsilon);
    }
  }
}
