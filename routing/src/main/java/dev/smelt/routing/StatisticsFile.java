package dev.smelt.routing;

import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.SafetensorsWriter;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.routing.LayerStatistics.Sample;
import dev.smelt.routing.RoutingStatistics.Origin;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Routing statistics as a safetensors file; docs/statistics-format.md describes it. */
public final class StatisticsFile {
  /** Version of the format, in the metadata under {@code smelt.statistics}. */
  public static final String VERSION = "1";

  private static final String VERSION_KEY = "smelt.statistics";
  private static final String ORIGIN_KEY = "origin";
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private StatisticsFile() {}

  /** Writes statistics; an older file of this name is replaced. */
  public static void write(Path file, RoutingStatistics statistics) {
    SequencedMap<String, String> metadata = new LinkedHashMap<>();
    metadata.put(VERSION_KEY, VERSION);
    metadata.put(ORIGIN_KEY, JSON.writeValueAsString(statistics.origin()));
    SequencedMap<TensorInfo, MemorySegment> tensors = new LinkedHashMap<>();
    for (LayerStatistics layer : statistics.layers()) {
      put(tensors, layer, statistics.origin());
    }
    SafetensorsWriter.write(file, metadata, tensors);
  }

  private static void put(
      SequencedMap<TensorInfo, MemorySegment> tensors, LayerStatistics s, Origin origin) {
    long e = s.experts();
    Target to = new Target(tensors, prefix(s.layer()));
    to.put("tokens", new long[] {s.tokens()}, 1);
    to.put("routed", s.routed(), e);
    to.put("gate_sum", s.gateSum(), e);
    to.put("gated_norm_sum", s.gatedNormSum(), e);
    to.put("norm_sum", s.normSum(), e);
    to.put("gated_norm_square_sum", s.gatedNormSquareSum(), e);
    to.put("max_activation", s.maxActivation(), e);
    to.put("mean_gated_output", s.meanGatedOutput(), e, origin.hidden());
    to.put("coactivation", s.coactivation(), e, e);
    to.put("logit_gram", s.logitGram(), e, e);
    to.put("logit_gram_centred", s.logitGramCentred(), e, e);
    s.transitions().ifPresent(t -> to.put("transitions", t, t.length / e, e));
    Sample sample = s.sample();
    long rows = sample.experts().length / origin.topK();
    to.put(
        "sample_input",
        sample.inputType(),
        MemorySegment.ofArray(sample.inputs()),
        rows,
        origin.hidden());
    to.put(
        "sample_experts", Dtype.I32, MemorySegment.ofArray(sample.experts()), rows, origin.topK());
    to.put("sample_gates", sample.gates(), rows, origin.topK());
  }

  private static String prefix(int layer) {
    return "layers." + layer + ".";
  }

  /** Collects the tensors of a layer. */
  private record Target(SequencedMap<TensorInfo, MemorySegment> tensors, String prefix) {
    void put(String name, long[] values, long... shape) {
      put(name, Dtype.I64, MemorySegment.ofArray(values), shape);
    }

    void put(String name, double[] values, long... shape) {
      put(name, Dtype.F64, MemorySegment.ofArray(values), shape);
    }

    void put(String name, float[] values, long... shape) {
      put(name, Dtype.F32, MemorySegment.ofArray(values), shape);
    }

    void put(String name, Dtype dtype, MemorySegment values, long... shape) {
      List<Long> dims = Arrays.stream(shape).boxed().toList();
      tensors.put(new TensorInfo(prefix + name, dtype, dims), values);
    }
  }

  /**
   * Reads statistics.
   *
   * @throws SmeltException if the file is corrupt, of another kind or of a newer version
   */
  public static RoutingStatistics read(Path path) {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      String version = file.metadata().get(VERSION_KEY);
      if (!VERSION.equals(version)) {
        throw SmeltException.checkpoint(
            path
                + (version == null
                    ? ": is not a file of routing statistics"
                    : ": has format version " + version + ", expected " + VERSION),
            "make one with smelt calibrate");
      }
      Origin origin = origin(file);
      TreeSet<Integer> layers = new TreeSet<>();
      file.tensors().keySet().forEach(name -> layers.add(layerOf(path, name)));
      return new RoutingStatistics(
          origin,
          layers.stream().map(layer -> read(new Source(file, prefix(layer)), layer)).toList());
    }
  }

  private static Origin origin(SafetensorsFile file) {
    try {
      return JSON.readValue(file.metadata().getOrDefault(ORIGIN_KEY, ""), Origin.class);
    } catch (JacksonException e) {
      throw new SmeltException(
          Fault.CHECKPOINT,
          file.path() + ": metadata '" + ORIGIN_KEY + "' cannot be read",
          "make the file again with smelt calibrate",
          e);
    }
  }

  private static int layerOf(Path path, String name) {
    String[] parts = name.split("\\.", 3);
    if (parts.length == 3 && parts[0].equals("layers") && parts[1].matches("\\d{1,6}")) {
      return Integer.parseInt(parts[1]);
    }
    throw SmeltException.checkpoint(
        path + ": unexpected tensor '" + name + "'", "make the file again with smelt calibrate");
  }

  private static LayerStatistics read(Source from, int layer) {
    long[] routed = from.longs("routed");
    return new LayerStatistics(
        layer,
        routed.length,
        from.longs("tokens")[0],
        routed,
        from.doubles("gate_sum"),
        from.doubles("gated_norm_sum"),
        from.doubles("norm_sum"),
        from.doubles("gated_norm_square_sum"),
        from.floats("max_activation"),
        from.floats("mean_gated_output"),
        from.longs("coactivation"),
        from.doubles("logit_gram"),
        from.doubles("logit_gram_centred"),
        from.has("transitions") ? Optional.of(from.longs("transitions")) : Optional.empty(),
        new Sample(
            from.type("sample_input"),
            from.data("sample_input").toArray(ValueLayout.JAVA_BYTE),
            from.data("sample_experts").toArray(ValueLayout.JAVA_INT_UNALIGNED),
            from.floats("sample_gates")));
  }

  /** Reads the tensors of a layer. */
  private record Source(SafetensorsFile file, String prefix) {
    boolean has(String name) {
      return file.tensors().containsKey(prefix + name);
    }

    Dtype type(String name) {
      return stored(name).dtype();
    }

    private StoredTensor stored(String name) {
      StoredTensor stored = file.tensors().get(prefix + name);
      if (stored == null) {
        throw SmeltException.checkpoint(
            file.path() + ": tensor '" + prefix + name + "' is missing",
            "make the file again with smelt calibrate");
      }
      return stored;
    }

    MemorySegment data(String name) {
      return file.data(stored(name));
    }

    long[] longs(String name) {
      return data(name).toArray(ValueLayout.JAVA_LONG_UNALIGNED);
    }

    double[] doubles(String name) {
      return data(name).toArray(ValueLayout.JAVA_DOUBLE_UNALIGNED);
    }

    float[] floats(String name) {
      return data(name).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }
  }
}
