package dev.smelt.model;

import dev.smelt.io.ConfigDocument;
import dev.smelt.io.Dtype;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.model.compact.CompactConfig;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.CompactNames;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/** Finds the experts of a layer that are stored in compact form, and checks their shapes. */
final class CompactReader {
  private final ModelSource source;
  private final ShapeCheck check;

  CompactReader(ModelSource source, ShapeCheck check) {
    this.source = source;
    this.check = check;
  }

  /** How the experts of a layer are stored, if that is the compact form. */
  Optional<CompactForm> form(int layer) {
    return CompactConfig.read(source.config().document(), layer, source.hidden());
  }

  /** The experts of a layer. */
  ExpertStorage read(String block, CompactForm form) {
    CompactNames names = new CompactNames(block + "experts.");
    List<TensorInfo> expected = names.infos(form, Dtype.F32);
    SequencedMap<String, StoredTensor> stored = new LinkedHashMap<>();
    for (TensorInfo info : expected) {
      long[] shape = info.shape().stream().mapToLong(Long::longValue).toArray();
      if (check.expect(info.name(), shape)) {
        stored.put(info.name(), source.checkpoint().require(info.name()));
      }
    }
    check.throwIfAny();
    ConfigDocument config = source.config().document();
    ExpertRule rule = source.family().experts;
    StockLayout layout =
        new StockLayout(
            block,
            form.map().size(),
            source.config().integer(rule.width),
            source.hidden(),
            ExpertStorage.plain(stored.firstEntry().getValue().dtype()),
            source.expertForm(),
            form.biased());
    return new CompactStorage(
        form,
        source.expertForm(),
        names,
        stored,
        layout.storage(CompactConfig.storage(config), rule));
  }
}
