package dev.smelt.compress;

import dev.smelt.model.compact.CompactExpert;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.tensor.Scope;
import java.util.List;

/** Leaves every expert as it is: what turns a checkpoint in compact form back into a stock one. */
public final class Unchanged implements Compressor {
  /** The method that gives it; it is not one of the list, as it makes nothing smaller. */
  public static final CompressionMethod METHOD =
      new CompressionMethod() {
        @Override
        public String name() {
          return "none";
        }

        @Override
        public String summary() {
          return "experts as they are";
        }

        @Override
        public List<MethodOption> options() {
          return List.of();
        }

        @Override
        public Compressor configure(GivenOptions given) {
          return new Unchanged();
        }
      };

  @Override
  public boolean needsTokens() {
    return false;
  }

  @Override
  public List<CompactForm> plan(List<LayerShape> layers, List<LayerSurvey> surveys) {
    return layers.stream().map(LayerShape::whole).toList();
  }

  @Override
  public void compress(LayerWork work, CompactForm form, Sink sink) {
    for (int e = 0; e < form.experts().size(); e++) {
      try (var _ = Scope.open()) {
        sink.expert(e, CompactExpert.whole(work.expert(e)));
      }
    }
  }
}
