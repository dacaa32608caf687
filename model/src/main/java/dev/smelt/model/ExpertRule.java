package dev.smelt.model;

import java.util.Optional;

/** The part of a family's description that is about experts; see {@link Family}. */
final class ExpertRule {
  /**
   * Names of the matrices of a network.
   *
   * @param gate the matrix before the activation, [width, hidden]
   * @param up the matrix beside it, [width, hidden]
   * @param down the matrix after them, [hidden, width]
   */
  record Names(String gate, String up, String down) {}

  static final Names PROJECTIONS = new Names("gate_proj", "up_proj", "down_proj");

  String block = "mlp.";
  Names names = PROJECTIONS;
  Names dense = PROJECTIONS;
  String each = "experts.";
  String width = "moe_intermediate_size";
  String fusedGateUp = "experts.gate_up_proj";
  String fusedDown = "experts.down_proj";
  boolean fusedColumns;
  boolean fusedInTurn;
  boolean flat;
  boolean gated = true;
  String activationField = "hidden_act";
  Activation activation = Activation.SILU;
  boolean activationFixed;
  Optional<String> shared = Optional.empty();
  Optional<String> sharedFused = Optional.empty();
  Optional<String> sharedAverageField = Optional.empty();
  boolean identities;
  Optional<String> latentField = Optional.empty();

  /** Prefix of the block inside a layer. */
  ExpertRule block(String prefix) {
    block = prefix;
    return this;
  }

  ExpertRule names(String gate, String up, String down) {
    names = new Names(gate, up, down);
    return this;
  }

  /** What stands before the number of an expert that has tensors of its own. */
  ExpertRule each(String prefix) {
    each = prefix;
    return this;
  }

  ExpertRule denseNames(String gate, String up, String down) {
    dense = new Names(gate, up, down);
    return this;
  }

  /** Config field with the width of an expert. */
  ExpertRule width(String field) {
    width = field;
    return this;
  }

  /** Names of the tensors that hold all experts, should a layer have them. */
  ExpertRule fused(String gateUp, String down) {
    fusedGateUp = gateUp;
    fusedDown = down;
    return this;
  }

  /** Tensors of all experts are [E, in, out] where shapes do not tell. */
  ExpertRule fusedColumns() {
    fusedColumns = true;
    return this;
  }

  /** In tensors of all experts, gate and up take turns. */
  ExpertRule fusedInTurn() {
    fusedInTurn = true;
    return this;
  }

  /** The rows of all experts one after the other. */
  ExpertRule flat() {
    flat = true;
    return this;
  }

  ExpertRule ungated() {
    gated = false;
    return this;
  }

  ExpertRule activation(String field, Activation byDefault) {
    activationField = field;
    activation = byDefault;
    return this;
  }

  /** Always this activation, whatever config.json says. */
  ExpertRule activation(Activation always) {
    activation = always;
    activationFixed = true;
    return this;
  }

  ExpertRule shared(String prefix) {
    shared = Optional.of(prefix);
    return this;
  }

  /** A shared network beside the block whose gate and up are one matrix. */
  ExpertRule sharedFused(String prefix) {
    sharedFused = Optional.of(prefix);
    return this;
  }

  /** The mean of routed and shared output is taken if a config field says {@code average}. */
  ExpertRule sharedAverage(String field) {
    sharedAverageField = Optional.of(field);
    return this;
  }

  /** Config field with the size of a smaller space in which experts work; smelt refuses it. */
  ExpertRule latent(String field) {
    latentField = Optional.of(field);
    return this;
  }

  /** The router may choose to return the input as it is. */
  ExpertRule identities() {
    identities = true;
    return this;
  }
}
