package dev.smelt.cli.command;

import dev.smelt.cli.pipeline.Repair;
import dev.smelt.cli.recovery.RecoveryMode;
import dev.smelt.merge.DropCriterion;
import dev.smelt.merge.Linkage;
import dev.smelt.merge.MergeWeights;
import dev.smelt.merge.RouterRule;
import dev.smelt.merge.Similarity;
import dev.smelt.merge.Variant;
import dev.smelt.merge.alignment.AlignmentMode;
import dev.smelt.routing.recover.TrainedTensors;
import dev.smelt.routing.train.Schedule;
import dev.smelt.unlearn.attribution.Selection;
import dev.smelt.unlearn.loss.RetainTerm;
import dev.smelt.unlearn.training.Scale;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads constants in kebab case, such as {@code router-logits}.
 *
 * @param <E> the constants
 */
abstract class KebabCase<E extends Enum<E>> implements ITypeConverter<E> {
  private final List<E> constants;

  private KebabCase(Class<E> type) {
    constants = List.of(type.getEnumConstants());
  }

  @Override
  public E convert(String value) {
    return constants.stream()
        .filter(constant -> name(constant).equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                new TypeConversionException(
                    "expected one of %s, found '%s'"
                        .formatted(
                            String.join(", ", constants.stream().map(KebabCase::name).toList()),
                            value)));
  }

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Reads a {@link Similarity}. */
  static final class ToSimilarity extends KebabCase<Similarity> {
    ToSimilarity() {
      super(Similarity.class);
    }
  }

  /** Reads {@link PlanOn}. */
  static final class ToPlanOn extends KebabCase<PlanOn> {
    ToPlanOn() {
      super(PlanOn.class);
    }
  }

  /** Reads a {@link Linkage}. */
  static final class ToLinkage extends KebabCase<Linkage> {
    ToLinkage() {
      super(Linkage.class);
    }
  }

  /** Reads a {@link Variant}. */
  static final class ToVariant extends KebabCase<Variant> {
    ToVariant() {
      super(Variant.class);
    }
  }

  /** Reads an {@link AlignmentMode}. */
  static final class ToAlignmentMode extends KebabCase<AlignmentMode> {
    ToAlignmentMode() {
      super(AlignmentMode.class);
    }
  }

  /** Reads {@link MergeWeights}. */
  static final class ToMergeWeights extends KebabCase<MergeWeights> {
    ToMergeWeights() {
      super(MergeWeights.class);
    }
  }

  /** Reads a {@link RouterRule}. */
  static final class ToRouterRule extends KebabCase<RouterRule> {
    ToRouterRule() {
      super(RouterRule.class);
    }
  }

  /** Reads a {@link DropCriterion}. */
  static final class ToDropCriterion extends KebabCase<DropCriterion> {
    ToDropCriterion() {
      super(DropCriterion.class);
    }
  }

  /** Reads a {@link Repair}. */
  static final class ToRepair extends KebabCase<Repair> {
    ToRepair() {
      super(Repair.class);
    }
  }

  /** Reads a {@link Selection}. */
  static final class ToSelection extends KebabCase<Selection> {
    ToSelection() {
      super(Selection.class);
    }
  }

  /** Reads a {@link Scale}. */
  static final class ToScale extends KebabCase<Scale> {
    ToScale() {
      super(Scale.class);
    }
  }

  /** Reads a {@link RetainTerm}. */
  static final class ToRetainTerm extends KebabCase<RetainTerm> {
    ToRetainTerm() {
      super(RetainTerm.class);
    }
  }

  /** Reads a {@link RecoveryMode}. */
  static final class ToRecoveryMode extends KebabCase<RecoveryMode> {
    ToRecoveryMode() {
      super(RecoveryMode.class);
    }
  }

  /** Reads {@link TrainedTensors}. */
  static final class ToTrainedTensors extends KebabCase<TrainedTensors> {
    ToTrainedTensors() {
      super(TrainedTensors.class);
    }
  }

  /** Reads what becomes of layers that predict further tokens. */
  static final class ToPrediction extends KebabCase<FormOptions.Prediction> {
    ToPrediction() {
      super(FormOptions.Prediction.class);
    }
  }

  /** Reads a {@link MergeCommand.Form}. */
  static final class ToForm extends KebabCase<MergeCommand.Form> {
    ToForm() {
      super(MergeCommand.Form.class);
    }
  }

  /** Reads how a rate falls. */
  static final class ToDecay extends KebabCase<Schedule.Decay> {
    ToDecay() {
      super(Schedule.Decay.class);
    }
  }
}
