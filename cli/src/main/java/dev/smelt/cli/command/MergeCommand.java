package dev.smelt.cli.command;

import dev.smelt.cli.console.Console;
import dev.smelt.cli.pipeline.ReducerChoice;
import dev.smelt.cli.pipeline.ReducerChoice.Knowledge;
import dev.smelt.io.SmeltException;
import dev.smelt.merge.Linkage;
import dev.smelt.merge.MergeMethod;
import dev.smelt.merge.MergeMethods;
import dev.smelt.merge.MergeOption;
import dev.smelt.merge.MergeOptions;
import dev.smelt.merge.MergeWeights;
import dev.smelt.merge.Merging;
import dev.smelt.merge.OutputKind;
import dev.smelt.merge.RouterRule;
import dev.smelt.merge.Similarity;
import dev.smelt.merge.Variant;
import dev.smelt.merge.alignment.AlignmentMode;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Merges experts. */
@Command(
    name = "merge",
    description = {
      "Merge the experts of every layer into fewer and write the smaller checkpoint.",
      "Example: smelt merge MODEL -o SMALLER --ratio 0.5 --text calibration.txt"
    })
public final class MergeCommand extends ReducingCommand {
  @Option(
      names = "--method",
      order = 4,
      paramLabel = "NAME",
      defaultValue = "m-smoe",
      description =
          "m-smoe, ream, hc-smoe, merge-moe or average; each is a page in docs/methods. Default:"
              + " ${DEFAULT-VALUE}.")
  private String method = "";

  @Option(
      names = "--similarity",
      order = 6,
      paramLabel = "NAME",
      converter = KebabCase.ToSimilarity.class,
      description =
          "What puts experts into one group: router-logits, centred-router-logits, expert-weights,"
              + " gate-and-up, router-rows or expert-outputs. Default: router-logits.")
  private Optional<Similarity> similarity = Optional.empty();

  @Option(
      names = "--align",
      order = 7,
      paramLabel = "HOW",
      converter = KebabCase.ToAlignmentMode.class,
      description =
          "How neurons are matched before the average: none, weights, activations or both."
              + " Default: weights.")
  private Optional<AlignmentMode> align = Optional.empty();

  @Option(
      names = "--weights",
      order = 8,
      paramLabel = "HOW",
      converter = KebabCase.ToMergeWeights.class,
      description =
          "How much each expert counts in its group: frequency, uniform or saliency."
              + " Default: frequency.")
  private Optional<MergeWeights> weights = Optional.empty();

  @Option(
      names = "--router",
      order = 9,
      paramLabel = "HOW",
      converter = KebabCase.ToRouterRule.class,
      description =
          "Router row of a merged expert: dominant or weighted; or redirect: all rows stay, and"
              + " those of a group choose the same expert (compact form). Default:"
              + " dominant.")
  private Optional<RouterRule> router = Optional.empty();

  /** The two forms of an output. */
  enum Form {
    /** Every client loads it. */
    STOCK,
    /** It needs modeling_smelt.py, which is written beside it. */
    COMPACT
  }

  @Option(
      names = "--form",
      order = 10,
      paramLabel = "FORM",
      converter = KebabCase.ToForm.class,
      description =
          "stock, which every client loads, or compact, which needs trust_remote_code. Default:"
              + " compact with --adaptive or --router redirect, else stock.")
  private Optional<Form> form = Optional.empty();

  @Option(
      names = "--adaptive",
      order = 11,
      description =
          "Let layers share the experts that are left, by how often they are used: the same number"
              + " in all, not in each layer (compact form).")
  private boolean adaptive;

  @Option(
      names = "--group-size",
      order = 12,
      paramLabel = "C",
      converter = PositiveInteger.class,
      description = "Experts that one takes in at most (ream). Default: 16.")
  private Optional<Integer> groupSize = Optional.empty();

  @Option(
      names = "--linkage",
      order = 13,
      paramLabel = "HOW",
      converter = KebabCase.ToLinkage.class,
      description =
          "Distance of two clusters: average, single or complete (hc-smoe). Default: average.")
  private Optional<Linkage> linkage = Optional.empty();

  @Option(
      names = "--variant",
      order = 14,
      paramLabel = "NAME",
      converter = KebabCase.ToVariant.class,
      description =
          "What is followed where they differ: paper, or released, the authors' code (ream)."
              + " Default: paper.")
  private Optional<Variant> variant = Optional.empty();

  private OutputKind output() {
    boolean needed = adaptive || redirects();
    if (needed && form.equals(Optional.of(Form.STOCK))) {
      throw SmeltException.usage(
          "--form stock cannot hold what --adaptive or --router redirect make",
          "leave out --form, or the other option");
    }
    if (redirects()) {
      return OutputKind.REDIRECTED;
    }
    return needed || form.equals(Optional.of(Form.COMPACT)) ? OutputKind.COMPACT : OutputKind.STOCK;
  }

  /** A command that prints to this console. */
  public MergeCommand(Console console) {
    super(console);
  }

  @Override
  boolean repairs() {
    return !redirects();
  }

  private boolean redirects() {
    return router.equals(Optional.of(RouterRule.REDIRECT));
  }

  @Override
  ReducerChoice choice() {
    MergeMethod chosen = MergeMethods.named(method);
    requireKept(chosen);
    return new ReducerChoice(
        adaptive ? Knowledge.ALL : Knowledge.LAYER,
        chosen.sequential() && !redirects(),
        (session, statistics) ->
            new Merging(session.model(), statistics, chosen, options(count(session.model()))));
  }

  private MergeOptions options(int count) {
    MergeOptions usual = MergeOptions.defaults(count);
    return new MergeOptions(
        count,
        similarity.orElse(usual.similarity()),
        align.orElse(usual.align()),
        weights.orElse(usual.weights()),
        router.orElse(usual.router()),
        new MergeOptions.Own(
            groupSize.orElse(usual.groupSize()),
            linkage.orElse(usual.linkage()),
            variant.orElse(usual.variant())),
        adaptive,
        output());
  }

  /** A choice that the method does not follow would be a misunderstanding. */
  private void requireKept(MergeMethod chosen) {
    MergeOptions kept = chosen.adjusted(options(1));
    requireKept("--similarity", similarity, kept.similarity(), chosen.usesSimilarity());
    requireKept("--align", align, kept.align(), true);
    requireKept("--weights", weights, kept.weights(), true);
    requireKept("--router", router, kept.router(), true);
    requireOffered(chosen, groupSize, MergeOption.GROUP_SIZE);
    requireOffered(chosen, linkage, MergeOption.LINKAGE);
    requireOffered(chosen, variant, MergeOption.VARIANT);
  }

  private void requireOffered(MergeMethod chosen, Optional<?> asked, MergeOption option) {
    if (asked.isPresent() && !chosen.offered().contains(option)) {
      throw SmeltException.usage(
          "--%s: the method %s does not have it".formatted(option.option(), method),
          "leave it out; docs/methods/" + method + ".md says what the method does");
    }
  }

  private <T> void requireKept(String option, Optional<T> asked, T kept, boolean isUsed) {
    if (asked.isPresent() && !(isUsed && asked.get() == kept)) {
      throw SmeltException.usage(
          option + ": the method " + method + " does not leave this choice",
          "leave it out; docs/methods/" + method + ".md says what the method does");
    }
  }
}
