package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Finds the directory of a model argument.
 *
 * <p>An argument is a directory, or a Hugging Face id {@code owner/name}, optionally with {@code
 * @revision} (a branch, a tag or a full commit), which is looked up in the local hub cache. Nothing
 * is downloaded.
 */
public final class ModelLocator {
  private static final Pattern HUB_ID =
      Pattern.compile("([\\w.-]+)/([\\w.-]+)(?:@([\\w.-][\\w./-]*))?");

  private final Map<String, String> environment;
  private final Path home;

  private ModelLocator(Map<String, String> environment, Path home) {
    this.environment = environment;
    this.home = home;
  }

  /** Finds a model with the environment of this process; see the other overload. */
  public static Path locate(String modelArgument) {
    return locate(modelArgument, System.getenv(), Path.of(System.getProperty("user.home", ".")));
  }

  /**
   * Finds the directory of a model.
   *
   * @param modelArgument a directory, or {@code owner/name[@revision]}
   * @param environment read for HF_HUB_CACHE, HF_HOME and XDG_CACHE_HOME, in this order
   * @param home the user's home directory
   * @throws SmeltException {@link Fault#CHECKPOINT} if there is no such directory or cached model
   */
  public static Path locate(String modelArgument, Map<String, String> environment, Path home) {
    if (modelArgument.isBlank()) {
      throw SmeltException.checkpoint(
          "no model is given", "Give a directory or a Hugging Face id.");
    }
    ModelLocator locator = new ModelLocator(environment, home);
    Path path = locator.expanded(modelArgument);
    if (Files.isDirectory(path)) {
      return path;
    }
    var id = HUB_ID.matcher(modelArgument);
    if (!id.matches() || Files.exists(path)) {
      throw SmeltException.checkpoint(
          modelArgument + (Files.exists(path) ? ": not a directory" : ": no such directory"),
          "Give a checkpoint directory, or a Hugging Face id owner/name of the local cache.");
    }
    String revision = id.group(3) == null ? "main" : id.group(3).replaceFirst("^refs/", "");
    if (revision.contains("..")) {
      throw SmeltException.checkpoint(
          modelArgument + ": '" + revision + "' is no branch, tag or commit",
          "Check the spelling.");
    }
    return locator.cached(id.group(1) + "/" + id.group(2), revision);
  }

  private Path cached(String id, String revision) {
    Path cache = hubCache();
    Path model = cache.resolve("models--" + id.replace("/", "--"));
    if (!Files.isDirectory(model)) {
      throw SmeltException.checkpoint(
          id + ": neither a directory here nor a model in the hub cache " + cache,
          "Download it first: hf download "
              + id
              + (revision.equals("main") ? "" : " --revision " + revision)
              + " (smelt never downloads).");
    }
    Path snapshots = model.resolve("snapshots");
    Path direct = snapshots.resolve(revision);
    if (Files.isDirectory(direct)) {
      return direct;
    }
    return byReference(id, revision, model);
  }

  private static Path byReference(String id, String revision, Path model) {
    Path reference = model.resolve("refs").resolve(revision);
    if (!Files.isRegularFile(reference)) {
      throw SmeltException.checkpoint(
          id + ": revision " + revision + " is not in the hub cache " + model,
          "Download it first: hf download " + id + " --revision " + revision);
    }
    try {
      String commit = Files.readString(reference).strip();
      Path snapshot = model.resolve("snapshots").resolve(commit);
      if (commit.isEmpty() || commit.contains("/") || !Files.isDirectory(snapshot)) {
        throw SmeltException.checkpoint(
            reference + ": names commit '" + commit + "', whose snapshot is missing",
            "The download was not finished; run it again: hf download " + id);
      }
      return snapshot;
    } catch (IOException e) {
      throw Failures.reading(reference, e);
    }
  }

  private Path hubCache() {
    String hub = environment.getOrDefault("HF_HUB_CACHE", "");
    if (!hub.isBlank()) {
      return expanded(hub);
    }
    String hfHome = environment.getOrDefault("HF_HOME", "");
    if (!hfHome.isBlank()) {
      return expanded(hfHome).resolve("hub");
    }
    String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    Path base = xdg.isBlank() ? home.resolve(".cache") : expanded(xdg);
    return base.resolve("huggingface").resolve("hub");
  }

  private Path expanded(String path) {
    try {
      return path.equals("~") || path.startsWith("~/")
          ? home.resolve(path.substring(Math.min(2, path.length())))
          : Path.of(path);
    } catch (InvalidPathException e) {
      throw new SmeltException(
          Fault.CHECKPOINT, path + ": is not a path", "Check the spelling.", e);
    }
  }
}
