package dev.smelt.unlearn.training;

import dev.smelt.io.Dtype;
import dev.smelt.model.LanguageHead;
import dev.smelt.model.MoeObserver;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import dev.smelt.unlearn.loss.LikelihoodLoss;
import dev.smelt.unlearn.loss.LossConstants;
import dev.smelt.unlearn.loss.RepresentationLoss;
import dev.smelt.unlearn.loss.RetainTerm;
import dev.smelt.unlearn.loss.SequenceLosses;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** What is minimised, on one batch of each set. */
final class Objective {
  private final Suffix suffix;
  private final TrainOptions options;
  private final References references;
  private final Supplier<Optional<AnchorObserver>> anchors;
  private final int targetLayer;
  private final LanguageHead referenceHead;

  /**
   * What is minimised and its parts.
   *
   * @param total the weighted sum, without dimensions
   * @param forget the forget term, if there is one
   * @param retain the retain term, if there is one
   * @param anchor the router anchor, if there is one
   */
  record Value(
      Tensor total, Optional<Tensor> forget, Optional<Tensor> retain, Optional<Tensor> anchor) {
    Terms terms() {
      return new Terms(total.item(), item(forget), item(retain), item(anchor));
    }

    private static double item(Optional<Tensor> part) {
      return part.map(Tensor::item).orElse(0.0);
    }
  }

  Objective(
      Suffix suffix,
      TrainOptions options,
      References references,
      Supplier<Optional<AnchorObserver>> anchors,
      int targetLayer,
      LanguageHead referenceHead) {
    this.suffix = suffix;
    this.options = options;
    this.references = references;
    this.anchors = anchors;
    this.targetLayer = targetLayer;
    this.referenceHead = referenceHead;
  }

  /** Computes all terms; those with weight zero are left out. */
  Value of(TextPart forget, int[] forgetBatch, Optional<TextPart> retain, int[] retainBatch) {
    LossConstants constants = options.constants();
    Optional<AnchorObserver> anchor = anchors.get();
    boolean forgets = constants.forgetWeight() > 0 || anchor.isPresent();
    Optional<Tensor> forgetTerm =
        forgets ? Optional.of(forget(forget, forgetBatch, anchor)) : Optional.empty();
    Optional<Tensor> retainTerm =
        options.loss().usesRetain() && constants.retainWeight() > 0
            ? retain.map(part -> retain(part, retainBatch))
            : Optional.empty();
    Optional<Tensor> anchorTerm = anchor.map(AnchorObserver::sum);
    List<Tensor> weighted = new ArrayList<>();
    if (constants.forgetWeight() > 0) {
      weighted.add(forgetTerm.orElseThrow().mul(constants.forgetWeight()));
    }
    retainTerm.ifPresent(term -> weighted.add(term.mul(constants.retainWeight())));
    anchorTerm.ifPresent(term -> weighted.add(term.mul(options.anchor())));
    Tensor total = weighted.stream().reduce(Tensor::add).orElseThrow();
    return new Value(total, forgetTerm, retainTerm, anchorTerm);
  }

  private Tensor forget(TextPart part, int[] indices, Optional<AnchorObserver> anchor) {
    TokenBatch batch = part.batch(indices);
    Tensor input = part.inputs().of(indices, batch);
    MoeObserver observer = anchor.map(a -> (MoeObserver) a).orElse(MoeObserver.NONE);
    return switch (options.loss()) {
      case LikelihoodLoss loss -> {
        Tensor hidden = suffix.run(input, batch, observer);
        Tensor sums = suffix.sums(hidden, batch);
        Tensor reference = loss.usesReference() ? references.sums(indices) : sums.detach();
        yield loss.forget(
            new SequenceLosses(sums, reference, Suffix.tokens(batch)), options.constants());
      }
      case RepresentationLoss loss -> {
        Tensor rows = batch.rows(suffix.run(input, batch, targetLayer, observer)).to(Dtype.F32);
        Tensor norms = references.forgetNorms(indices);
        yield loss.forget(rows, norms, references.direction(), options.constants());
      }
    };
  }

  private Tensor retain(TextPart part, int[] indices) {
    TokenBatch batch = part.batch(indices);
    Tensor input = part.inputs().of(indices, batch);
    return switch (options.loss()) {
      case LikelihoodLoss _ -> {
        Tensor hidden = suffix.run(input, batch, MoeObserver.NONE);
        yield options.retainTerm() == RetainTerm.NLL
            ? suffix.sums(hidden, batch).sum().div(Suffix.tokens(batch).sum())
            : divergence(batch.rows(hidden), references.retainRows(indices));
      }
      case RepresentationLoss loss -> {
        Tensor hidden = suffix.run(input, batch, targetLayer, MoeObserver.NONE);
        yield loss.retain(
            batch.rows(hidden).to(Dtype.F32), references.retainRows(indices).to(Dtype.F32));
      }
    };
  }

  private Tensor divergence(Tensor rows, Tensor reference) {
    Tensor logits = referenceHead.logits(reference).to(Dtype.F32).detach();
    return RetainTerm.divergence(suffix.weights().head().logits(rows).to(Dtype.F32), logits);
  }

  /** A tensor of single numbers. */
  static Tensor vector(double[] values, int[] indices) {
    float[] chosen = new float[indices.length];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = (float) values[indices[i]];
    }
    return Tensors.ofFloats(chosen, chosen.length);
  }
}
