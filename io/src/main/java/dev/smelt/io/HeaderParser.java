package dev.smelt.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * Reads the JSON header of a safetensors file as a stream of tokens, straight into tensor records.
 *
 * <p>It goes on after a problem as long as the JSON itself is sound, so that a damaged header is
 * described by one list. Duplicate names are found here, because a JSON tree would hide them.
 */
final class HeaderParser {
  private static final String METADATA = "__metadata__";

  private final Path file;
  private final long dataStart;
  private final long dataBytes;
  private final List<String> problems;
  private final LinkedHashMap<String, String> metadata = new LinkedHashMap<>();
  private final List<StoredTensor> tensors = new ArrayList<>();
  private final Set<String> names = new LinkedHashSet<>();

  HeaderParser(Path file, long dataStart, long dataBytes, List<String> problems) {
    this.file = file;
    this.dataStart = dataStart;
    this.dataBytes = dataBytes;
    this.problems = problems;
  }

  /** The string pairs under {@code __metadata__}. */
  SequencedMap<String, String> metadata() {
    return metadata;
  }

  /** The tensors without a problem of their own, in header order. */
  List<StoredTensor> tensors() {
    return tensors;
  }

  void parse(byte[] json) {
    try (JsonParser parser = JsonText.HEADERS.createParser(ObjectReadContext.empty(), json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        problems.add(file + ": the header is not a JSON object");
        return;
      }
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        entry(parser, parser.currentName());
      }
      if (parser.nextToken() != null) {
        problems.add(file + ": the header goes on after its JSON object");
      }
    } catch (JacksonException e) {
      problems.add(file + ": the header is not valid JSON: " + JsonText.reason(e));
    }
  }

  private void entry(JsonParser parser, String name) {
    boolean isNew = names.add(name);
    if (!isNew) {
      problems.add(file + ": the header names " + name + " twice");
    }
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      problems.add(file + ": the entry " + name + " is not a JSON object");
      parser.skipChildren();
    } else if (name.equals(METADATA)) {
      readMetadata(parser);
    } else {
      readTensor(parser, name, isNew);
    }
  }

  private void readMetadata(JsonParser parser) {
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String key = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        problems.add(
            file
                + ": metadata field "
                + key
                + ": expected a string, found "
                + JsonText.kind(parser.currentToken()));
        parser.skipChildren();
      } else if (metadata.putIfAbsent(key, parser.getString()) != null) {
        problems.add(file + ": metadata names " + key + " twice");
      }
    }
  }

  private void readTensor(JsonParser parser, String name, boolean keep) {
    int problemsBefore = problems.size();
    String dtype = "";
    List<Long> shape = List.of();
    List<Long> offsets = List.of();
    int seen = 0;
    while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
      String field = parser.currentName();
      parser.nextToken();
      int bit = 0;
      switch (field) {
        case "dtype" -> {
          bit = 1;
          dtype = text(parser, name);
        }
        case "shape" -> {
          bit = 2;
          shape = numbers(parser, name, field);
        }
        case "data_offsets" -> {
          bit = 4;
          offsets = numbers(parser, name, field);
        }
        default -> {
          problems.add(where(name) + "unknown field " + field);
          parser.skipChildren();
        }
      }
      if ((seen & bit) != 0) {
        problems.add(where(name) + "field " + field + " is given twice");
      }
      seen |= bit;
    }
    if (seen != 7) {
      problems.add(where(name) + "needs dtype, shape and data_offsets; missing" + missing(seen));
    } else if (problems.size() == problemsBefore) {
      add(name, Dtype.of(dtype), shape, offsets, keep);
    }
  }

  private static String missing(int seen) {
    return ((seen & 1) == 0 ? " dtype" : "")
        + ((seen & 2) == 0 ? " shape" : "")
        + ((seen & 4) == 0 ? " data_offsets" : "");
  }

  private void add(String name, Dtype dtype, List<Long> shape, List<Long> offsets, boolean keep) {
    if (offsets.size() != 2) {
      problems.add(where(name) + "data_offsets must be two numbers, found " + offsets);
      return;
    }
    long begin = offsets.getFirst();
    long end = offsets.getLast();
    if (begin < 0 || end < begin || end > dataBytes) {
      problems.add(
          where(name)
              + "data_offsets "
              + offsets
              + " must rise and lie within the "
              + dataBytes
              + " bytes of data");
      return;
    }
    long expected = TensorInfo.byteCount(dtype, shape);
    if (expected < 0) {
      problems.add(where(name) + "shape " + shape + " of " + dtype + " is negative or too large");
    } else if (dtype.isKnown() && expected != end - begin) {
      problems.add(
          where(name)
              + dtype
              + " "
              + shape
              + " takes "
              + expected
              + " bytes, but data_offsets "
              + offsets
              + " hold "
              + (end - begin));
    } else if (keep) {
      TensorInfo info = new TensorInfo(name, dtype, shape, end - begin);
      tensors.add(new StoredTensor(info, file, dataStart + begin, end - begin));
    }
  }

  private String text(JsonParser parser, String name) {
    if (parser.currentToken() == JsonToken.VALUE_STRING) {
      return parser.getString();
    }
    problems.add(
        where(name) + "dtype: expected a string, found " + JsonText.kind(parser.currentToken()));
    parser.skipChildren();
    return "";
  }

  private List<Long> numbers(JsonParser parser, String name, String field) {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      problems.add(
          where(name)
              + field
              + ": expected an array of numbers, found "
              + JsonText.kind(parser.currentToken()));
      parser.skipChildren();
      return List.of();
    }
    List<Long> values = new ArrayList<>(4);
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (JsonText.isLong(parser)) {
        values.add(parser.getLongValue());
      } else {
        problems.add(
            where(name)
                + field
                + ": expected whole numbers below 2^63, found "
                + JsonText.show(parser));
        parser.skipChildren();
      }
    }
    return values;
  }

  private String where(String name) {
    return file + ": tensor " + name + ": ";
  }
}
