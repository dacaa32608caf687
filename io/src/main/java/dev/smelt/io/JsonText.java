package dev.smelt.io;

import java.io.StringWriter;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;

/** The two ways in which smelt reads JSON, and how it speaks about tokens in messages. */
final class JsonText {
  /** For headers and indexes: almost every name is unique, so that a symbol table only costs. */
  static final JsonFactory HEADERS =
      JsonFactory.builder().disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES).build();

  /**
   * For config.json as Python writes it: {@code NaN} and {@code Infinity} are numbers there. A
   * field that is given twice is an error, because an edit could not tell which one counts.
   */
  static final JsonFactory CONFIGS =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  private JsonText() {}

  /** A text with one field per line and two spaces per level, ending in a line feed. */
  static String pretty(Consumer<JsonGenerator> content) {
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter(
                Separators.createDefaultInstance()
                    .withObjectNameValueSpacing(Separators.Spacing.AFTER))
            .withObjectIndenter(indenter)
            .withArrayIndenter(indenter);
    StringWriter text = new StringWriter();
    ObjectWriteContext context =
        new ObjectWriteContext.Base() {
          @Override
          public PrettyPrinter getPrettyPrinter() {
            return printer;
          }

          @Override
          public boolean hasPrettyPrinter() {
            return true;
          }
        };
    try (JsonGenerator out = HEADERS.createGenerator(context, text)) {
      content.accept(out);
    }
    return text + "\n";
  }

  /** The reason and the place of a syntax error, without the parser's own decoration. */
  static String reason(JacksonException e) {
    TokenStreamLocation location = e.getLocation();
    String reason = e.getOriginalMessage();
    return location == null || location.getLineNr() < 0
        ? reason
        : reason + " (line " + location.getLineNr() + ", column " + location.getColumnNr() + ")";
  }

  /** Whether the current token is a whole number that fits a long. */
  static boolean isLong(JsonParser parser) {
    return parser.currentToken() == JsonToken.VALUE_NUMBER_INT
        && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
  }

  /** A token for a message: the text of a scalar, the kind of anything else. */
  static String show(JsonParser parser) {
    JsonToken token = parser.currentToken();
    return token != null && token.isScalarValue() ? parser.getString() : kind(token);
  }

  /** The kind of a token in the words of the JSON standard. */
  static String kind(JsonToken token) {
    return switch (token) {
      case null -> "the end of the text";
      case START_OBJECT, END_OBJECT -> "an object";
      case START_ARRAY, END_ARRAY -> "an array";
      case VALUE_STRING -> "a string";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
      case VALUE_TRUE, VALUE_FALSE -> "a boolean";
      case VALUE_NULL -> "null";
      default -> token.toString();
    };
  }
}
