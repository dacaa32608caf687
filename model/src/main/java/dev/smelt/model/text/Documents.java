package dev.smelt.model.text;

import java.util.List;

/** Reads the documents of a text source, in the order of the file. */
public final class Documents {
  private Documents() {}

  /**
   * Reads a source whole.
   *
   * @return its documents; some may be shorter than two tokens
   * @throws dev.smelt.io.SmeltException if the file is missing or malformed, the tokenizer or the
   *     chat template that it needs is missing, or a token id is not in the model's vocabulary
   */
  public static List<Document> read(TextSource source, ModelText model) {
    String name = source.path().toString();
    return switch (source.kind()) {
      case TXT -> {
        String text = Utf8.read(source.path());
        yield List.of(new Document(name, model.encode(text, name), false));
      }
      case JSONL -> new JsonlFile(source.path(), model).documents();
      case SAFETENSORS -> SafetensorsIds.read(source.path(), model.vocabulary());
      case NPY -> NpyFile.read(source.path(), model.vocabulary());
    };
  }
}
