package dev.smelt.model.text;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a text file holds, told by the end of its name. */
public enum TextKind {
  /** UTF-8 text; the whole file is one document. */
  TXT(".txt"),
  /** One JSON object per line, with {@code text} or {@code messages}; each line is a document. */
  JSONL(".jsonl"),
  /** Token ids as a tensor; each row is a document. */
  SAFETENSORS(".safetensors"),
  /** Token ids as a NumPy array; each row is a document. */
  NPY(".npy");

  private final String suffix;

  TextKind(String suffix) {
    this.suffix = suffix;
  }

  /** The kind of a file, if its name ends as one that smelt reads. */
  public static Optional<TextKind> of(Path path) {
    String name = String.valueOf(path.getFileName());
    return Arrays.stream(values()).filter(kind -> name.endsWith(kind.suffix)).findFirst();
  }

  /** All endings, for messages. */
  static String suffixes() {
    return Arrays.stream(values()).map(kind -> kind.suffix).collect(Collectors.joining(", "));
  }
}
