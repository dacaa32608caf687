package dev.smelt.cli.pipeline;

import dev.smelt.compress.Compressor;
import dev.smelt.compress.GivenOptions;
import dev.smelt.compress.MaskRun;
import dev.smelt.compress.MaskSearch;
import dev.smelt.io.CheckpointWriter;
import dev.smelt.io.FileTrees;
import dev.smelt.io.SmeltException;
import dev.smelt.model.TokenBatch;
import dev.smelt.model.compact.CompactForm;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/** What the options of a mask ask for beside the mask itself. */
public final class MaskTask {
  private MaskTask() {}

  /** The request with the seed of the best random mask, if it asks for a search. */
  public static CompressionRequest searched(
      Session session, CompressionRequest request, Optional<Calibration> calibration) {
    GivenOptions options = request.options();
    int count = request.method().name().equals("mask") ? MaskSearch.count(options) : 0;
    if (count == 0) {
      return request;
    }
    Calibration text =
        calibration.orElseThrow(
            () ->
                SmeltException.usage(
                    "--text is missing: --random-search compares losses", "add --text FILE"));
    List<int[]> sequences = text.draw(session).tokenIds();
    MaskSearch search =
        new MaskSearch(
            session.model(), session.compute(), TokenBatch.split(sequences, session.batchTokens()));
    List<Double> losses =
        session.showing("trying masks", count, done -> search.losses(options, count, done));
    int best =
        IntStream.range(0, count)
            .reduce((a, b) -> losses.get(b) < losses.get(a) ? b : a)
            .orElseThrow();
    session
        .console()
        .info(
            String.format(
                Locale.ROOT,
                "of %d random masks that of seed %d is best: loss %.4f, mean %.4f",
                count,
                best,
                losses.get(best),
                losses.stream().mapToDouble(loss -> loss).average().orElseThrow()));
    return new CompressionRequest(
        request.method(),
        MaskSearch.found(options, best),
        request.sequential(),
        request.materialize());
  }

  /**
   * The states of a rewind: first the mask is found and written with the trained weights, then it
   * is applied to others; what was written first is removed.
   *
   * @param searched directory of the checkpoint that the mask was found on
   */
  public record Rewind(Path searched) implements AutoCloseable {
    /** States beside an output. */
    public static Rewind beside(Path target) {
      Path absolute = target.toAbsolutePath().normalize();
      return new Rewind(absolute.resolveSibling(absolute.getFileName() + ".trained"));
    }

    /** The request that finds the mask. */
    public CompressionRequest search(CompressionRequest request) {
      return with(request, MaskSearch.withoutRewind(request.options()));
    }

    /** The request that applies it. */
    public CompressionRequest apply(CompressionRequest request) {
      return with(request, MaskSearch.applying(masks(searched).toString()));
    }

    private static CompressionRequest with(CompressionRequest request, GivenOptions options) {
      return new CompressionRequest(
          request.method(), options, request.sequential(), request.materialize());
    }

    @Override
    public void close() {
      FileTrees.delete(searched);
      FileTrees.delete(masks(searched));
    }
  }

  /** Where the masks of an output are written. */
  static Path masks(Path target) {
    Path absolute = target.toAbsolutePath().normalize();
    return absolute.resolveSibling(absolute.getFileName() + ".mask");
  }

  /**
   * Starts to write masks, if a method makes them; the result commits them.
   *
   * @param force whether older masks are replaced
   */
  static MaskOutput output(
      Compressor compressor, List<CompactForm> forms, Path target, boolean force) {
    return compressor instanceof MaskRun masks
        ? new MaskOutput(Optional.of(masks.writeTo(masks(target), forms, force)))
        : new MaskOutput(Optional.empty());
  }

  /**
   * The masks that are being written, if there are any.
   *
   * @param writer of their directory
   */
  record MaskOutput(Optional<CheckpointWriter> writer) implements AutoCloseable {
    void commit() {
      writer.ifPresent(CheckpointWriter::commit);
    }

    @Override
    public void close() {
      writer.ifPresent(CheckpointWriter::close);
    }
  }
}
