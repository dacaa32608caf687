package dev.smelt.model.text;

import dev.smelt.io.SmeltException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How one model reads text: its tokenizer, its chat template and the size of its vocabulary.
 *
 * <p>Tokenizer and template are opened when they are first needed, so token ids can be read for a
 * model that has neither. Owned by who opens it; not for several threads.
 */
public final class ModelText implements AutoCloseable {
  private final Path directory;
  private final int vocabulary;
  private Optional<TextTokenizer> tokenizer = Optional.empty();
  private Optional<ChatTemplate> template = Optional.empty();

  private ModelText(Path directory, int vocabulary) {
    this.directory = directory;
    this.vocabulary = vocabulary;
  }

  /**
   * Prepares to read text for a model.
   *
   * @param modelDirectory the directory that holds tokenizer.json
   * @param vocabulary rows of the model's embedding; every token id must be below
   */
  public static ModelText open(Path modelDirectory, int vocabulary) {
    if (vocabulary < 1) {
      throw new IllegalArgumentException("vocabulary of " + vocabulary + " tokens");
    }
    return new ModelText(modelDirectory, vocabulary);
  }

  /** Rows of the model's embedding. */
  public int vocabulary() {
    return vocabulary;
  }

  /** The tokenizer of the model, which this object closes. */
  public TextTokenizer tokenizer() {
    if (tokenizer.isEmpty()) {
      tokenizer = Optional.of(TextTokenizer.open(directory));
    }
    return tokenizer.get();
  }

  /**
   * The chat template of the model.
   *
   * @throws SmeltException if the model has none
   */
  public ChatTemplate chatTemplate() {
    if (template.isEmpty()) {
      template = Optional.of(ChatTemplate.require(directory));
    }
    return template.get();
  }

  /**
   * The token ids of a text, all of them in the model's vocabulary.
   *
   * @param where the origin of the text, for messages
   */
  int[] encode(String text, String where) {
    try {
      return Vocabulary.check(tokenizer().encode(text), vocabulary, where);
    } catch (SmeltException e) {
      throw at(where, e);
    }
  }

  /** The same problem, with its place in front unless it is there already. */
  static SmeltException at(String where, SmeltException e) {
    if (e.getMessage().startsWith(where)) {
      return e;
    }
    return new SmeltException(e.fault(), where + ": " + e.getMessage(), e.hint(), e);
  }

  @Override
  public void close() {
    tokenizer.ifPresent(TextTokenizer::close);
    tokenizer = Optional.empty();
  }
}
