package dev.smelt.model.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The small tokenizer, texts and goldens of the tests in this package. */
final class TextResources {
  static final int VOCABULARY = 1024;

  private TextResources() {}

  static Path directory() {
    try {
      return Path.of(TextResources.class.getResource("/text/tokenizer.json").toURI()).getParent();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static Path file(String name) {
    return directory().resolve(name);
  }

  static String text(String name) {
    try {
      return Files.readString(file(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode json(String name) {
    return JsonMapper.builder().build().readTree(text(name));
  }

  static ModelText model() {
    return ModelText.open(directory(), VOCABULARY);
  }

  static TextSource source(Path path) {
    return new TextSource(path.toString(), path, 1);
  }
}
