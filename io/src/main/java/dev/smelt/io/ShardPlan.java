package dev.smelt.io;

import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;

/**
 * The layout of one safetensors file before anything is written.
 *
 * @param file where the file will be
 * @param header the first bytes of the file: header length, JSON, and spaces up to a multiple of 8
 * @param tensors the tensors at their places, in file order
 * @param fileBytes the size of the whole file
 */
record ShardPlan(Path file, byte[] header, List<StoredTensor> tensors, long fileBytes) {
  /** Falling alignment, then name: the order of the reference writer. */
  private static final Comparator<TensorInfo> LAYOUT =
      Comparator.comparingInt((TensorInfo info) -> rank(info.dtype()))
          .thenComparing(TensorInfo::name);

  /** What the loaders of checkpoints expect in the header. */
  private static final Map<String, String> FORMAT = Map.of("format", "pt");

  /** Spreads tensors over files of at most the given tensor bytes, in the given order. */
  static List<ShardPlan> plan(Path directory, List<TensorInfo> tensors, long maxShardBytes) {
    List<List<TensorInfo>> groups = new ArrayList<>();
    List<TensorInfo> group = new ArrayList<>();
    long bytes = 0;
    for (TensorInfo tensor : tensors) {
      if (!group.isEmpty() && bytes + tensor.bytes() > maxShardBytes) {
        groups.add(group);
        group = new ArrayList<>();
        bytes = 0;
      }
      group.add(tensor);
      bytes += tensor.bytes();
    }
    groups.add(group);
    List<ShardPlan> shards = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      shards.add(layOut(directory.resolve(fileName(i, groups.size())), FORMAT, groups.get(i)));
    }
    return List.copyOf(shards);
  }

  private static String fileName(int index, int count) {
    return count == 1
        ? Checkpoint.SINGLE
        : "model-%05d-of-%05d.safetensors".formatted(index + 1, count);
  }

  /** Places the tensors of one file in the order of the reference writer. */
  static ShardPlan layOut(Path file, Map<String, String> metadata, List<TensorInfo> group) {
    List<TensorInfo> ordered = new ArrayList<>(group);
    ordered.sort(LAYOUT);
    byte[] header = header(metadata, ordered);
    List<StoredTensor> placed = new ArrayList<>(ordered.size());
    long offset = header.length;
    for (TensorInfo info : ordered) {
      placed.add(new StoredTensor(info, file, offset, info.bytes()));
      offset += info.bytes();
    }
    return new ShardPlan(file, header, List.copyOf(placed), offset);
  }

  /** Unknown types come last: nothing is known about their alignment. */
  private static int rank(Dtype dtype) {
    int index = Dtype.LAYOUT_ORDER.indexOf(dtype);
    return index < 0 ? Dtype.LAYOUT_ORDER.size() : index;
  }

  private static byte[] header(Map<String, String> metadata, List<TensorInfo> ordered) {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    try (JsonGenerator out = JsonText.HEADERS.createGenerator(ObjectWriteContext.empty(), json)) {
      out.writeStartObject();
      out.writeObjectPropertyStart("__metadata__");
      metadata.forEach(out::writeStringProperty);
      out.writeEndObject();
      long offset = 0;
      for (TensorInfo info : ordered) {
        writeEntry(out, info, offset);
        offset += info.bytes();
      }
      out.writeEndObject();
    }
    while (json.size() % Long.BYTES != 0) {
      json.write(' ');
    }
    return Bytes.withLength(json.toByteArray());
  }

  private static void writeEntry(JsonGenerator out, TensorInfo info, long offset) {
    out.writeObjectPropertyStart(info.name());
    out.writeStringProperty("dtype", info.dtype().code());
    out.writeArrayPropertyStart("shape");
    info.shape().forEach(out::writeNumber);
    out.writeEndArray();
    out.writeArrayPropertyStart("data_offsets");
    out.writeNumber(offset);
    out.writeNumber(offset + info.bytes());
    out.writeEndArray();
    out.writeEndObject();
  }

  /** The text of the index over several files, laid out as transformers does it. */
  static String index(List<ShardPlan> shards) {
    Map<String, String> shardOf = new TreeMap<>();
    long bytes = 0;
    long parameters = 0;
    for (ShardPlan shard : shards) {
      for (StoredTensor tensor : shard.tensors) {
        shardOf.put(tensor.name(), String.valueOf(shard.file.getFileName()));
        bytes += tensor.bytes();
        parameters += tensor.info().elements();
      }
    }
    Map<String, Long> metadata = new LinkedHashMap<>();
    metadata.put("total_parameters", parameters);
    metadata.put("total_size", bytes);
    return JsonText.pretty(
        out -> {
          out.writeStartObject();
          out.writeObjectPropertyStart("metadata");
          metadata.forEach(out::writeNumberProperty);
          out.writeEndObject();
          out.writeObjectPropertyStart("weight_map");
          shardOf.forEach(out::writeStringProperty);
          out.writeEndObject();
          out.writeEndObject();
        });
  }
}
