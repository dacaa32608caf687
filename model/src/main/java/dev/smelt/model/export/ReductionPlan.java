package dev.smelt.model.export;

import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.ExpertTensor;
import dev.smelt.model.ExpertTensor.Kind;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/** Maps every tensor of a source to the output, before anything is written. */
final class ReductionPlan {
  private final Map<Integer, LayerReduction> reductions = new HashMap<>();
  private final Map<String, Role> roles = new HashMap<>();
  private final SequencedMap<String, OutputTensor> outputs = new LinkedHashMap<>();

  /** What a tensor is to a layer with experts. */
  private record Role(MoeLayer moe, ExpertTensor part) {}

  ReductionPlan(MoeModel model, List<LayerReduction> layers) {
    layers.forEach(layer -> reductions.put(layer.layer(), layer));
    for (MoeLayer moe : model.moeLayers()) {
      if (reductions.containsKey(moe.layer())) {
        checkQuantised(moe, reductions.get(moe.layer()));
        moe.perExpertTensors().forEach(part -> addRole(moe, part));
      }
    }
    Set<StoredTensor> left = Set.copyOf(model.predictionTensors());
    model.checkpoint().tensors().values().stream()
        .filter(tensor -> !left.contains(tensor))
        .forEach(this::map);
  }

  private void addRole(MoeLayer moe, ExpertTensor part) {
    roles.put(part.tensor().name(), new Role(moe, part));
  }

  private static void checkQuantised(MoeLayer moe, LayerReduction reduction) {
    if (!reduction.computed().isEmpty() && moe.experts().isQuantised()) {
      throw SmeltException.unsupported(
          "layer " + moe.layer() + ": experts are quantised, and computed ones cannot be written",
          "drop experts instead of merging them, or start from a checkpoint in bf16");
    }
  }

  /** The name of a source tensor as the tensor of another expert. */
  String renumbered(String name, int position) {
    Role role = roles.get(name);
    return role != null && role.part() instanceof ExpertTensor.Owned owned
        ? owned.nameFor(position)
        : name;
  }

  private void map(StoredTensor source) {
    Role role = roles.get(source.name());
    switch (role == null ? null : role.part()) {
      case null -> add(source.info(), source, new OutputTensor.Copied());
      case ExpertTensor.Owned owned -> addOwned(owned, reductions.get(role.moe().layer()));
      case ExpertTensor.Sliced sliced -> addSliced(sliced, role.moe());
    }
  }

  private void addOwned(ExpertTensor.Owned owned, LayerReduction reduction) {
    int position = reduction.survivors().indexOf(owned.expert());
    if (position >= 0) {
      add(
          owned.tensor().info().renamed(owned.nameFor(position)),
          owned.tensor(),
          reduction.computed().contains(position)
              ? new OutputTensor.Computed()
              : new OutputTensor.Copied());
    }
  }

  private void addSliced(ExpertTensor.Sliced part, MoeLayer moe) {
    LayerReduction reduction = reductions.get(moe.layer());
    StoredTensor source = part.tensor();
    long tail = source.dim(part.dimension()) - moe.experts().count() * part.span();
    List<Long> shape = new ArrayList<>(source.shape());
    shape.set(part.dimension(), reduction.count() * part.span() + tail);
    boolean isRouter = part.kind() == Kind.ROUTER;
    boolean isExpert = part.kind() == Kind.WEIGHT || part.kind() == Kind.BIAS;
    Set<Integer> computed = isExpert ? reduction.computed() : Set.of();
    add(
        new TensorInfo(source.name(), source.dtype(), shape),
        source,
        isRouter && reduction.routerComputed()
            ? new OutputTensor.Computed()
            : new OutputTensor.Sliced(reduction.survivors(), computed, part.span(), tail));
  }

  private void add(TensorInfo info, StoredTensor source, OutputTensor.Origin origin) {
    outputs.put(info.name(), new OutputTensor(info, source, origin));
  }

  LayerReduction reduction(int layer) {
    return reductions.get(layer);
  }

  /** All tensors of the output, in the order of the source. */
  SequencedMap<String, OutputTensor> outputs() {
    return outputs;
  }
}
