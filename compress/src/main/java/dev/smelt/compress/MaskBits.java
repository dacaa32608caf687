package dev.smelt.compress;

import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.Dtype;
import dev.smelt.io.Fault;
import dev.smelt.io.SafetensorsFile;
import dev.smelt.io.SmeltException;
import dev.smelt.io.StoredTensor;
import dev.smelt.io.TensorInfo;
import dev.smelt.io.WriterOptions;
import dev.smelt.model.compact.CompactForm;
import dev.smelt.model.compact.MatrixForm;
import dev.smelt.model.tensor.Tensor;
import dev.smelt.model.tensor.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Masks in a file, one bit for each weight: {@code layers.L.experts.E.gate|up|down}, U8, [rows,
 * ceil(columns / 8)]; the lowest bit of a byte is the first of its weights, and set bits are kept.
 */
final class MaskBits {
  private static final int BITS = 8;
  private static final String FILE = "model.safetensors";

  private MaskBits() {}

  /** The name of a mask. */
  static String name(MaskScore.Place place) {
    return "layers.%d.experts.%d.%s"
        .formatted(place.layer(), place.expert(), place.part().name().toLowerCase(Locale.ROOT));
  }

  private static TensorInfo info(int layer, int expert, MatrixForm matrix) {
    var place = new MaskScore.Place(layer, expert, matrix.part());
    return new TensorInfo(
        name(place), Dtype.U8, List.of(matrix.rows(), Math.ceilDiv(matrix.columns(), (long) BITS)));
  }

  /** The masks of all matrices. */
  static List<TensorInfo> infos(List<CompactForm> layers) {
    List<TensorInfo> infos = new ArrayList<>();
    for (CompactForm layer : layers) {
      for (int e = 0; e < layer.experts().size(); e++) {
        for (MatrixForm matrix : layer.experts().get(e).matrices().values()) {
          infos.add(info(layer.layer(), e, matrix));
        }
      }
    }
    return infos;
  }

  /** Starts the directory of the masks of a model. */
  static CheckpointWriter writer(Path target, List<CompactForm> layers, boolean force) {
    return CheckpointWriter.create(target, infos(layers), new WriterOptions(Long.MAX_VALUE, force));
  }

  /** Writes a mask of zeros and ones. */
  static void write(CheckpointWriter writer, MaskScore.Place place, Tensor mask) {
    int columns = (int) mask.size(1);
    int perRow = Math.ceilDiv(columns, BITS);
    float[] values = mask.toFloats();
    byte[] bytes = new byte[(int) mask.size(0) * perRow];
    for (int i = 0; i < values.length; i++) {
      if (values[i] != 0) {
        bytes[i / columns * perRow + i % columns / BITS] |= (byte) (1 << (i % columns % BITS));
      }
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(bytes.length);
      MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
      writer.write(name(place), memory);
    }
  }

  /** Opens the masks beside a checkpoint: a directory, or the file itself. */
  static SafetensorsFile open(Path path) {
    Path file = Files.isDirectory(path) ? path.resolve(FILE) : path;
    if (!Files.isRegularFile(file)) {
      throw SmeltException.checkpoint(
          "--apply " + path + ": there is no mask",
          "a mask lies in OUT.mask beside its checkpoint");
    }
    return SafetensorsFile.open(file);
  }

  /**
   * Insists that a file has the masks of all matrices of a model.
   *
   * @throws SmeltException (checkpoint) that names all that is missing or has another shape
   */
  static void require(SafetensorsFile file, List<CompactForm> layers) {
    List<String> problems = new ArrayList<>();
    for (TensorInfo wanted : infos(layers)) {
      StoredTensor found = file.tensors().get(wanted.name());
      if (found == null) {
        problems.add(file.path() + ": mask '" + wanted.name() + "' is missing");
      } else if (!found.info().equals(wanted)) {
        problems.add(
            "%s: mask '%s' is %s %s, expected %s %s"
                .formatted(
                    file.path(),
                    wanted.name(),
                    found.dtype(),
                    found.shape(),
                    wanted.dtype(),
                    wanted.shape()));
      }
    }
    if (!problems.isEmpty()) {
      throw SmeltException.all(
          Fault.CHECKPOINT,
          problems.subList(0, Math.min(3, problems.size())),
          "the mask must be of a model with the same layers, experts and widths");
    }
  }

  /** Reads a mask as zeros and ones, F32, [rows, columns]. */
  static Tensor read(SafetensorsFile file, MaskScore.Place place, long rows, long columns) {
    StoredTensor stored = file.tensors().get(name(place));
    byte[] bytes = file.data(stored).toArray(ValueLayout.JAVA_BYTE);
    int perRow = (int) Math.ceilDiv(columns, (long) BITS);
    float[] values = new float[(int) (rows * columns)];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        values[(int) (r * columns) + c] = (bytes[r * perRow + c / BITS] >> (c % BITS)) & 1;
      }
    }
    return Tensors.ofFloats(values, rows, columns);
  }
}
