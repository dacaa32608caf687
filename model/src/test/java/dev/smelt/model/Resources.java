package dev.smelt.model;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Finds the files of the tests, in a directory or copied out of the test jar. */
public final class Resources {
  private Resources() {}

  /** The path of a directory or file below src/test/resources of this module. */
  public static Path path(String name) {
    try {
      var url = Resources.class.getClassLoader().getResource(name);
      if (url == null) {
        throw new FileNotFoundException("test resource " + name);
      }
      URI uri = url.toURI();
      return uri.getScheme().equals("file") ? Path.of(uri) : extracted(uri);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (java.net.URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static Path extracted(URI uri) throws IOException {
    Path target = Files.createTempDirectory("smelt-test");
    try (var jar = FileSystems.newFileSystem(uri, Map.of())) {
      Path root = Path.of(uri);
      assert root.getFileSystem() == jar;
      try (var files = Files.walk(root)) {
        for (Path file : files.toList()) {
          Path to = target.resolve(root.relativize(file).toString());
          if (Files.isDirectory(file)) {
            Files.createDirectories(to);
          } else {
            Files.copy(file, to);
          }
        }
      }
    }
    return target;
  }
}
