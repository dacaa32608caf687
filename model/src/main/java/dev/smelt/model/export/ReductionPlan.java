package dev.smelt.model.export;

import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.CompactStorage;
import dev.smelt.model.ExpertStorage;
import dev.smelt.model.ExpertTensor;
import dev.smelt.model.ExpertTensor.Kind;
import dev.smelt.model.ExpertWidth.Padding;
import dev.smelt.model.MoeLayer;
import dev.smelt.model.MoeModel;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactNames;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Maps every tensor of a source to the output, before anything is written.
 *
 * <p>A layer whose experts are quantised and are not all copied is converted: all of its experts
 * are computed, into BF16.
 */
final class ReductionPlan {
  private final ExportOptions options;
  private final Map<Integer, LayerReduction> reductions = new LinkedHashMap<>();
  private final Map<Integer, ExpertStorage> storages = new HashMap<>();
  private final SequencedMap<Integer, List<Integer>> conversions = new LinkedHashMap<>();
  private final Map<Integer, CompactForm> compactForms = new HashMap<>();
  private final Map<String, Role> roles = new HashMap<>();
  private final Map<String, Padding> paddings = new HashMap<>();
  private final Map<String, List<Role>> replacements = new HashMap<>();
  private final Map<String, List<TensorInfo>> compactInfos = new HashMap<>();
  private final SequencedMap<String, OutputTensor> outputs = new LinkedHashMap<>();

  /** What a tensor is to a layer with experts. */
  private record Role(MoeLayer moe, ExpertTensor part) {}

  ReductionPlan(MoeModel model, List<LayerReduction> layers, ExportOptions options) {
    this(model, layers, options, List.of());
  }

  /**
   * Plans an output.
   *
   * @param compact the layers whose experts are stored in compact form
   */
  ReductionPlan(
      MoeModel model,
      List<LayerReduction> layers,
      ExportOptions options,
      List<CompactForm> compact) {
    this.options = options;
    compact.forEach(form -> compactForms.put(form.layer(), form));
    layers.forEach(layer -> reductions.put(layer.layer(), layer));
    options
        .width()
        .ifPresent(
            width ->
                model
                    .expertWidth(width)
                    .paddings()
                    .forEach(padding -> paddings.put(padding.tensor().name(), padding)));
    List<MoeLayer> all = new ArrayList<>(model.moeLayers());
    all.addAll(model.predictionLayers());
    all.stream()
        .filter(moe -> reductions.containsKey(moe.layer()))
        .forEach(moe -> addLayer(model, moe));
    Set<StoredTensor> left =
        options.predictionLayers() ? Set.of() : Set.copyOf(model.predictionTensors());
    model.checkpoint().tensors().values().stream()
        .filter(tensor -> !left.contains(tensor))
        .forEach(this::map);
  }

  private void addLayer(MoeModel model, MoeLayer moe) {
    storages.put(moe.layer(), moe.experts());
    if (compactForms.containsKey(moe.layer())) {
      makeCompact(model, moe, compactForms.get(moe.layer()));
    } else if (options.width().isPresent()) {
      long width = options.width().getAsLong();
      replace(moe, moe.experts().unquantised().resized(width));
    } else if (isConverted(moe)) {
      replace(moe, moe.experts().unquantised());
    } else {
      moe.perExpertTensors().forEach(part -> addRole(moe, part));
    }
  }

  private Role addRole(MoeLayer moe, ExpertTensor part) {
    Role role = new Role(moe, part);
    roles.put(part.tensor().name(), role);
    return role;
  }

  /** The tensors of the experts are replaced by those of the compact form. */
  private void makeCompact(MoeModel model, MoeLayer moe, CompactForm form) {
    if (model.architecture().isEncoderDecoder()) {
      throw SmeltException.unsupported(
          model.checkpoint().directory() + ": an encoder-decoder has no compact form",
          "drop, merge and mask write it in its stock form");
    }
    moe.experts().tensors().forEach(tensor -> replacements.put(tensor.name(), List.of()));
    moe.routerTensors().forEach(part -> addRole(moe, part));
    compactInfos.put(
        moe.experts().tensors().getFirst().name(),
        new CompactNames(model.block(moe.layer()) + "experts.")
            .infos(form, moe.experts().valueType()));
  }

  private boolean isConverted(MoeLayer moe) {
    if (moe.experts() instanceof CompactStorage) {
      return true;
    }
    boolean computed = !reductions.get(moe.layer()).computed().isEmpty();
    if (!computed || !moe.experts().isQuantised()) {
      return false;
    }
    if (options.requantise() && !moe.experts().isFp8()) {
      throw SmeltException.unsupported(
          "layer " + moe.layer() + ": experts are stored in MXFP4, which smelt does not write",
          "leave out --requantise, which gives BF16, or drop experts without a repair");
    }
    return !options.requantise();
  }

  /** The tensors of the experts are replaced where the first of them was. */
  private void replace(MoeLayer moe, ExpertStorage experts) {
    LayerReduction asked = reductions.get(moe.layer());
    MoeLayer plain =
        new MoeLayer(moe.layer(), moe.router(), experts, moe.companions(), moe.groups());
    if (options.width().isEmpty() || moe.experts().isQuantised()) {
      conversions.put(
          moe.layer(),
          IntStream.range(0, asked.count())
              .filter(position -> !asked.computed().contains(position))
              .boxed()
              .toList());
    }
    storages.put(moe.layer(), plain.experts());
    reductions.put(moe.layer(), asked.allComputed());
    moe.experts().tensors().forEach(tensor -> replacements.put(tensor.name(), List.of()));
    List<Role> parts = new ArrayList<>();
    for (ExpertTensor part : plain.perExpertTensors()) {
      Role role = addRole(plain, part);
      if (plain.experts().tensors().contains(part.tensor())) {
        parts.add(role);
      }
    }
    replacements.put(moe.experts().tensors().getFirst().name(), parts);
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
    Padding padding = paddings.get(source.name());
    if (padding != null) {
      add(padding.resized().info(), source, new OutputTensor.Padded(padding.dimension()));
    } else if (compactInfos.containsKey(source.name())) {
      compactInfos
          .get(source.name())
          .forEach(info -> add(info, source, new OutputTensor.Computed()));
    } else if (replacements.containsKey(source.name())) {
      replacements.get(source.name()).forEach(this::add);
    } else if (role != null) {
      add(role);
    } else {
      add(source.info(), source, new OutputTensor.Copied());
    }
  }

  private void add(Role role) {
    switch (role.part()) {
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

  /** The reductions of all layers. */
  Collection<LayerReduction> reductions() {
    return reductions.values();
  }

  /** Tensors of the output that hold something of the experts of a layer. */
  List<OutputTensor> ofLayer(int layer) {
    return outputs.values().stream()
        .filter(output -> roles.containsKey(output.source().name()))
        .filter(output -> roles.get(output.source().name()).moe().layer() == layer)
        .toList();
  }

  /** How the experts of a layer lie in the output, with the numbers of the source. */
  ExpertStorage storage(int layer) {
    return storages.get(layer);
  }

  /** The layers that are converted, and the positions of experts that are only kept there. */
  SequencedMap<Integer, List<Integer>> conversions() {
    return conversions;
  }

  /** All tensors of the output, in the order of the source. */
  SequencedMap<String, OutputTensor> outputs() {
    return outputs;
  }
}
