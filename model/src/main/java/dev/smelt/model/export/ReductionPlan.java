package dev.smelt.model.export;

import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.ExpertStorage;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** Maps every tensor of a source to the output, before anything is written. */
final class ReductionPlan {
  private final Map<Integer, LayerReduction> reductions = new HashMap<>();
  private final Map<String, Role> roles = new HashMap<>();
  private final SequencedMap<String, OutputTensor> outputs = new LinkedHashMap<>();

  /** What a tensor of an expert block is. */
  private sealed interface Role {}

  private record OneExpert(int layer, int expert, String template) implements Role {}

  private record AllExperts(int layer) implements Role {}

  private record RouterRows(int layer) implements Role {}

  ReductionPlan(MoeModel model, List<LayerReduction> layers) {
    layers.forEach(layer -> reductions.put(layer.layer(), layer));
    for (MoeLayer moe : model.moeLayers()) {
      roles.put(moe.router().name(), new RouterRows(moe.layer()));
      addRoles(moe);
    }
    model.checkpoint().tensors().values().forEach(this::map);
  }

  private void addRoles(MoeLayer moe) {
    switch (moe.experts()) {
      case ExpertStorage.PerExpert(List<ExpertStorage.StoredExpert> experts) -> {
        for (int e = 0; e < experts.size(); e++) {
          for (StoredTensor matrix : experts.get(e).matrices()) {
            roles.put(matrix.name(), new OneExpert(moe.layer(), e, template(matrix.name(), e)));
          }
        }
      }
      case ExpertStorage.Fused fused ->
          fused.tensors().forEach(t -> roles.put(t.name(), new AllExperts(moe.layer())));
    }
  }

  /** The name with a place for the number of the expert. */
  private static String template(String name, int expert) {
    String number = "." + expert + ".";
    int at = name.lastIndexOf(number);
    return name.substring(0, at + 1) + "%d" + name.substring(at + number.length() - 1);
  }

  /** The name of a source tensor as the tensor of another expert. */
  String renumbered(String name, int position) {
    return roles.get(name) instanceof OneExpert one ? one.template().formatted(position) : name;
  }

  private void map(StoredTensor source) {
    Role role = roles.get(source.name());
    switch (role) {
      case OneExpert(int layer, int expert, String template) when reductions.containsKey(layer) -> {
        LayerReduction reduction = reductions.get(layer);
        int position = reduction.survivors().indexOf(expert);
        if (position >= 0) {
          boolean computed = reduction.computed().contains(position);
          add(
              source.info().renamed(template.formatted(position)),
              source,
              computed ? new OutputTensor.Computed() : new OutputTensor.Copied());
        }
      }
      case AllExperts(int layer) when reductions.containsKey(layer) ->
          add(
              sliced(source, reductions.get(layer).count()),
              source,
              new OutputTensor.Sliced(layer, reductions.get(layer).survivors()));
      case RouterRows(int layer) when reductions.containsKey(layer) -> {
        LayerReduction reduction = reductions.get(layer);
        add(
            sliced(source, reduction.count()),
            source,
            reduction.routerComputed()
                ? new OutputTensor.Computed()
                : new OutputTensor.Sliced(-1, reduction.survivors()));
      }
      case null, default -> add(source.info(), source, new OutputTensor.Copied());
    }
  }

  private void add(TensorInfo info, StoredTensor source, OutputTensor.Origin origin) {
    outputs.put(info.name(), new OutputTensor(info, source, origin));
  }

  private static TensorInfo sliced(StoredTensor source, int count) {
    List<Long> shape = new ArrayList<>(source.shape());
    shape.set(0, (long) count);
    return new TensorInfo(source.name(), source.dtype(), shape);
  }

  LayerReduction reduction(int layer) {
    return reductions.get(layer);
  }

  /** All tensors of the output, in the order of the source. */
  SequencedMap<String, OutputTensor> outputs() {
    return outputs;
  }
}
