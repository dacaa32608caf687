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
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads constants in kebab case, such as {@code router-logits}. */
final class KebabCase {
  private KebabCase() {}

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static <E extends Enum<E>> E parse(E[] constants, String value) {
    for (E constant : constants) {
      if (name(constant).equals(value)) {
        return constant;
      }
    }
    throw new TypeConversionException(
        "expected one of "
            + String.join(", ", Arrays.stream(constants).map(KebabCase::name).toList())
            + ", found '"
            + value
            + "'");
  }

  /** Reads a {@link Similarity}. */
  static final class ToSimilarity implements ITypeConverter<Similarity> {
    @Override
    public Similarity convert(String value) {
      return parse(Similarity.values(), value);
    }
  }

  /** Reads {@link PlanOn}. */
  static final class ToPlanOn implements ITypeConverter<PlanOn> {
    @Override
    public PlanOn convert(String value) {
      return parse(PlanOn.values(), value);
    }
  }

  /** Reads a {@link Linkage}. */
  static final class ToLinkage implements ITypeConverter<Linkage> {
    @Override
    public Linkage convert(String value) {
      return parse(Linkage.values(), value);
    }
  }

  /** Reads a {@link Variant}. */
  static final class ToVariant implements ITypeConverter<Variant> {
    @Override
    public Variant convert(String value) {
      return parse(Variant.values(), value);
    }
  }

  /** Reads an {@link AlignmentMode}. */
  static final class ToAlignmentMode implements ITypeConverter<AlignmentMode> {
    @Override
    public AlignmentMode convert(String value) {
      return parse(AlignmentMode.values(), value);
    }
  }

  /** Reads {@link MergeWeights}. */
  static final class ToMergeWeights implements ITypeConverter<MergeWeights> {
    @Override
    public MergeWeights convert(String value) {
      return parse(MergeWeights.values(), value);
    }
  }

  /** Reads a {@link RouterRule}. */
  static final class ToRouterRule implements ITypeConverter<RouterRule> {
    @Override
    public RouterRule convert(String value) {
      return parse(RouterRule.values(), value);
    }
  }

  /** Reads a {@link DropCriterion}. */
  static final class ToDropCriterion implements ITypeConverter<DropCriterion> {
    @Override
    public DropCriterion convert(String value) {
      return parse(DropCriterion.values(), value);
    }
  }

  /** Reads what becomes of layers that predict further tokens. */
  static final class ToPrediction implements ITypeConverter<FormOptions.Prediction> {
    @Override
    public FormOptions.Prediction convert(String value) {
      return parse(FormOptions.Prediction.values(), value);
    }
  }

  /** Reads a {@link Repair}. */
  static final class ToRepair implements ITypeConverter<Repair> {
    @Override
    public Repair convert(String value) {
      return parse(Repair.values(), value);
    }
  }

  /** Reads a {@link Selection}. */
  static final class ToSelection implements ITypeConverter<Selection> {
    @Override
    public Selection convert(String value) {
      return parse(Selection.values(), value);
    }
  }

  /** Reads a {@link Scale}. */
  static final class ToScale implements ITypeConverter<Scale> {
    @Override
    public Scale convert(String value) {
      return parse(Scale.values(), value);
    }
  }

  /** Reads a {@link RetainTerm}. */
  static final class ToRetainTerm implements ITypeConverter<RetainTerm> {
    @Override
    public RetainTerm convert(String value) {
      return parse(RetainTerm.values(), value);
    }
  }

  /** Reads a {@link MergeCommand.Form}. */
  static final class ToForm implements ITypeConverter<MergeCommand.Form> {
    @Override
    public MergeCommand.Form convert(String value) {
      return parse(MergeCommand.Form.values(), value);
    }
  }

  /** Reads a {@link RecoveryMode}. */
  static final class ToRecoveryMode implements ITypeConverter<RecoveryMode> {
    @Override
    public RecoveryMode convert(String value) {
      return parse(RecoveryMode.values(), value);
    }
  }

  /** Reads {@link TrainedTensors}. */
  static final class ToTrainedTensors implements ITypeConverter<TrainedTensors> {
    @Override
    public TrainedTensors convert(String value) {
      return parse(TrainedTensors.values(), value);
    }
  }

  /** Reads how a rate falls. */
  static final class ToDecay implements ITypeConverter<Schedule.Decay> {
    @Override
    public Schedule.Decay convert(String value) {
      return parse(Schedule.Decay.values(), value);
    }
  }
}
