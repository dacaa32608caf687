package dev.smelt.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Says in words what a family's description contains. */
final class FamilyFeatures {
  private static final AttentionRule PLAIN = new AttentionRule();

  private final Family family;
  private final List<String> features = new ArrayList<>();

  private FamilyFeatures(Family family) {
    this.family = family;
  }

  static List<String> of(Family family) {
    FamilyFeatures words = new FamilyFeatures(family);
    words.router(family.router);
    words.attention(family.attention);
    words.layers();
    words.experts(family.experts);
    return List.copyOf(words.features);
  }

  private void say(boolean condition, String words) {
    if (condition) {
      features.add(words);
    }
  }

  private void router(RouterRule rule) {
    String score = rule.score.name().toLowerCase(Locale.ROOT);
    String named = rule.scoreField.isPresent() ? "softmax or sigmoid" : score;
    features.add((rule.sparseMixer ? "sparsemixer" : named) + " router");
    say(rule.capacityField.isPresent(), "capacity per expert");
    say(rule.correction.isPresent(), "selection bias");
    say(rule.bias.isPresent(), "router bias");
    say(rule.grouping != RouterRule.Grouping.NONE, "expert groups");
    say(rule.renormaliseField.isEmpty() && rule.renormalise, "renormalised");
    say(rule.scaleField.isPresent(), "scaled gates");
    say(rule.expertScale.isPresent(), "scale per expert");
    say(rule.gatesInput, "gates on inputs");
    say(rule.softcapField.isPresent(), "softcapped logits");
  }

  private void attention(AttentionRule rule) {
    say(rule.latent, "latent attention");
    say(rule.window != PLAIN.window, "windows");
    say(rule.chunk != PLAIN.chunk, "chunks");
    say(rule.sinks.isPresent(), "sinks");
    say(rule.gateName.isPresent() || rule.gateInQuery, "gated attention");
    say(rule.ropePartial != 1, "partial rope");
    say(rule.positionScale != PLAIN.positionScale, "position-scaled queries");
    say(rule.indexLimitField.isPresent(), "dense up to " + rule.indexLimitField.orElse(""));
    rule.mixers.forEach(kind -> features.add(kind.title()));
  }

  private void layers() {
    switch (family.form) {
      case BRANCHES -> say(family.afterMixer.isPresent(), "norms after branches");
      case PARALLEL -> features.add("parallel branches");
      case SHORTCUT -> features.add("dual attention with shortcut");
      case SINGLE -> features.add("one part per layer");
      case GEMMA -> features.add("dense network beside experts");
      case ENCODER_DECODER -> features.add("encoder-decoder");
    }
    say(family.residualAfterNorm, "normed residual");
    say(family.normKind == Family.NormKind.LAYER, "LayerNorm");
    say(family.softcapField.isPresent(), "softcapped output");
  }

  private void experts(ExpertRule rule) {
    say(rule.shared.isPresent() || rule.sharedFused.isPresent(), "shared experts");
    say(rule.identities, "identity experts");
    say(!rule.gated, "ungated experts");
    say(rule.activation == Activation.CLAMPED_SWISH, "clamped activation with biases, MXFP4");
    say(rule.flat, "flat expert tensors");
    say(rule.fusedColumns, "fused expert tensors [E, in, out]");
  }
}
