package dev.smelt.cli.recovery;

import dev.smelt.io.Fault;
import dev.smelt.io.FileTrees;
import dev.smelt.io.SmeltException;
import dev.smelt.routing.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where an end-to-end recovery keeps what its teacher said and, if it is to be resumable, its own
 * state: a directory with {@code teacher/}, {@code training/} and {@code recovery.txt}, which says
 * what run it belongs to.
 */
final class RecoveryState implements AutoCloseable {
  private static final String FILE = "recovery.txt";

  private final Path directory;
  private final boolean temporary;

  private RecoveryState(Path directory, boolean temporary) {
    this.directory = directory;
    this.temporary = temporary;
  }

  /**
   * Opens or begins a state.
   *
   * @param resume the directory of a resumable run; without one a temporary directory beside the
   *     output, which is removed when this is closed
   * @param target the output
   * @param key everything that decides the result
   * @throws SmeltException if the state belongs to a run with another key
   */
  static RecoveryState open(Optional<Path> resume, Path target, String key) {
    try {
      if (resume.isEmpty()) {
        Path parent = target.toAbsolutePath().normalize().getParent();
        return new RecoveryState(Files.createTempDirectory(parent, ".smelt-recover"), true);
      }
      Path directory = Files.createDirectories(resume.get());
      Path file = directory.resolve(FILE);
      if (!Files.exists(file)) {
        Files.writeString(file, key);
      } else if (!Files.readString(file).equals(key)) {
        throw SmeltException.usage(
            directory + ": belongs to another run, with other inputs or options",
            "Resume with the inputs and options of that run, or name another directory.");
      }
      return new RecoveryState(directory, false);
    } catch (IOException e) {
      throw new SmeltException(
          Fault.FAILED,
          "cannot write the state of the run: " + e.getMessage(),
          "name a directory on a disk that can be written with --resume",
          e);
    }
  }

  /** The directory of what the teacher said; it is there if that is complete. */
  Path teacher() {
    return directory.resolve("teacher");
  }

  /** Where the training is stored. */
  TrainingState training() {
    return new TrainingState(
        temporary ? Optional.empty() : Optional.of(directory.resolve("training")));
  }

  /** Removes everything. */
  void discard() {
    FileTrees.delete(directory);
  }

  @Override
  public void close() {
    if (temporary) {
      discard();
    }
  }
}
