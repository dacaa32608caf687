package dev.smelt.model.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The tokenizer of a checkpoint: its tokenizer.json, run by the Hugging Face library itself.
 *
 * <p>Text is encoded whole: no truncation, no padding and no special tokens are added, whatever
 * tokenizer.json asks for. The binding's own tokenizer class is not used: it collects seven more
 * arrays per text, which doubles the time, and it reports its use over the network on some hosts.
 * The native library is unpacked once below the home directory, or below java.io.tmpdir where the
 * home directory cannot be written. Thread-safe until it is closed.
 */
public final class TextTokenizer implements AutoCloseable {
  private static final String OFFLINE = "ai.djl.offline";

  private final Path file;
  private final AtomicLong handle;

  private TextTokenizer(Path file, long handle) {
    this.file = file;
    this.handle = new AtomicLong(handle);
  }

  /**
   * Opens the tokenizer of a model.
   *
   * @param modelDirectory the directory that holds tokenizer.json
   * @throws SmeltException if tokenizer.json is missing or broken
   */
  public static TextTokenizer open(Path modelDirectory) {
    Path file = modelDirectory.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw SmeltException.checkpoint(
          file + ": no such file",
          "smelt needs the fast tokenizer: save it with AutoTokenizer.save_pretrained, or give"
              + " token ids as .npy or .safetensors");
    }
    String json = Utf8.read(file);
    loadLibrary();
    try {
      long handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
      TokenizersLibrary.LIB.disablePadding(handle);
      TokenizersLibrary.LIB.disableTruncation(handle);
      return new TextTokenizer(file, handle);
    } catch (RuntimeException e) {
      throw new SmeltException(
          Fault.CHECKPOINT,
          file + ": not a tokenizer: " + e.getMessage(),
          "copy tokenizer.json from the original checkpoint again",
          e);
    }
  }

  private static synchronized void loadLibrary() {
    String before = System.getProperty(OFFLINE);
    System.setProperty(OFFLINE, "true"); // else a GPU host would download a CUDA build
    try {
      LibUtils.checkStatus();
    } catch (EngineException | LinkageError e) {
      throw new SmeltException(
          Fault.FAILED,
          "the native tokenizer library cannot be loaded: " + e.getMessage(),
          "make the home directory or java.io.tmpdir writable, or set DJL_CACHE_DIR",
          e);
    } finally {
      if (before == null) {
        System.clearProperty(OFFLINE);
      } else {
        System.setProperty(OFFLINE, before);
      }
    }
  }

  /**
   * The token ids of a text, without special tokens.
   *
   * @throws SmeltException if the text is not well-formed Unicode or the tokenizer refuses it
   */
  public int[] encode(String text) {
    requireWellFormed(text);
    long tokenizer = open();
    try {
      long encoding = TokenizersLibrary.LIB.encode(tokenizer, text, false);
      try {
        return toInts(TokenizersLibrary.LIB.getTokenIds(encoding));
      } finally {
        TokenizersLibrary.LIB.deleteEncoding(encoding);
      }
    } catch (RuntimeException e) {
      throw new SmeltException(
          Fault.CHECKPOINT, file + ": cannot encode the text: " + e.getMessage(), "", e);
    }
  }

  /** The text of token ids, special tokens included. */
  public String decode(int[] tokens) {
    long[] ids = Arrays.stream(tokens).asLongStream().toArray();
    return TokenizersLibrary.LIB.decode(open(), ids, false);
  }

  @Override
  public void close() {
    long tokenizer = handle.getAndSet(0);
    if (tokenizer != 0) {
      TokenizersLibrary.LIB.deleteTokenizer(tokenizer);
    }
  }

  private long open() {
    long tokenizer = handle.get();
    if (tokenizer == 0) {
      throw new IllegalStateException(file + ": the tokenizer is closed");
    }
    return tokenizer;
  }

  /** The native library would read an unpaired surrogate as three replacement characters. */
  private static void requireWellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isHighSurrogate(text.charAt(i))
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(text.charAt(i))) {
        throw SmeltException.checkpoint(
            String.format(
                "text is not Unicode: unpaired surrogate \\u%04X at character %d",
                (int) text.charAt(i), i),
            "repair the text; an escape in JSON may have been cut in half");
      }
    }
  }

  private static int[] toInts(long[] ids) {
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }
}
