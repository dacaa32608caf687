package dev.smelt.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Runs the packaged program as a process of its own.
 *
 * <p>{@code Smelt.run("inspect", model)} is a run with the environment of the test;{@link #with}
 * and {@link #in} change it. What the program prints goes through files, so that it never waits.
 */
public final class Smelt {
  private static final int MINUTES = 10;

  private final Map<String, String> environment;
  private final Path directory;

  private Smelt(Map<String, String> environment, Path directory) {
    this.environment = environment;
    this.directory = directory;
  }

  /**
   * What a run left.
   *
   * @param exitCode the exit code
   * @param stdout all of standard output
   * @param stderr all of standard error
   * @param duration from start to end of the process
   */
  public record Run(int exitCode, String stdout, String stderr, Duration duration) {}

  /** A run with these arguments; each is turned into text. */
  public static Run run(Object... arguments) {
    return in(Path.of("")).start(arguments);
  }

  /** Starts the program and does not wait; what it prints is lost. */
  public static Process begin(Object... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(launcher().toString());
    Stream.of(arguments).forEach(argument -> command.add(argument.toString()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("SMELT_CACHE", property("smelt.cache").toString());
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    return builder.start();
  }

  /** Runs in another working directory. */
  public static Smelt in(Path directory) {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("SMELT_CACHE", property("smelt.cache").toString());
    return new Smelt(environment, directory);
  }

  /** The same with an environment variable. */
  public Smelt with(String variable, String value) {
    Map<String, String> changed = new LinkedHashMap<>(environment);
    changed.put(variable, value);
    return new Smelt(changed, directory);
  }

  /** Starts the program and waits for its end. */
  public Run start(Object... arguments) {
    List<String> command = new ArrayList<>();
    command.add(launcher().toString());
    Stream.of(arguments).forEach(argument -> command.add(argument.toString()));
    return execute(command);
  }

  /** Runs any command in the same way. */
  public Run execute(List<String> command) {
    try {
      Path out = Files.createTempFile("smelt", ".out");
      Path err = Files.createTempFile("smelt", ".err");
      try {
        return execute(command, out, err);
      } finally {
        Files.delete(out);
        Files.delete(err);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private Run execute(List<String> command, Path out, Path err)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(directory.toAbsolutePath().toFile());
    builder.environment().putAll(environment);
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    long started = System.nanoTime();
    Process process = builder.start();
    process.getOutputStream().close();
    if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError("not finished after " + MINUTES + " minutes: " + command);
    }
    Duration duration = Duration.ofNanos(System.nanoTime() - started);
    return new Run(process.exitValue(), Files.readString(out), Files.readString(err), duration);
  }

  /** The launcher of the packaged distribution. */
  public static Path launcher() {
    return property("smelt.distribution").resolve("bin/smelt");
  }

  /** The root of the source tree. */
  public static Path root() {
    return property("smelt.root");
  }

  private static Path property(String name) {
    return Path.of(Objects.requireNonNull(System.getProperty(name), name)).normalize();
  }
}
