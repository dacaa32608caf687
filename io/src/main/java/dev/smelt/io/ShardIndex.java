package dev.smelt.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalLong;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * The index of a sharded checkpoint, {@code model.safetensors.index.json}.
 *
 * @param file the index file
 * @param shardOf the shard's file name for each tensor, in file order
 * @param hasMetadata whether there is a metadata object, which transformers insists on
 * @param totalSize the stated bytes of all tensors, if any
 */
record ShardIndex(
    Path file, SequencedMap<String, String> shardOf, boolean hasMetadata, OptionalLong totalSize) {
  /** The name that transformers gives to the index. */
  static final String NAME = "model.safetensors.index.json";

  private static final String HINT = "The index is damaged; download it again.";

  ShardIndex {
    shardOf = Collections.unmodifiableSequencedMap(shardOf);
  }

  static ShardIndex read(Path file) {
    try (JsonParser parser =
        JsonText.HEADERS.createParser(ObjectReadContext.empty(), Files.readAllBytes(file))) {
      return new Reader(file).read(parser);
    } catch (IOException e) {
      throw Failures.reading(file, e);
    } catch (JacksonException e) {
      throw SmeltException.checkpoint(file + ": not valid JSON: " + JsonText.reason(e), HINT);
    }
  }

  private static final class Reader {
    private final Path file;
    private final LinkedHashMap<String, String> shardOf = new LinkedHashMap<>();
    private final List<String> problems = new ArrayList<>();
    private boolean hasMap;
    private boolean hasMetadata;
    private OptionalLong totalSize = OptionalLong.empty();

    Reader(Path file) {
      this.file = file;
    }

    ShardIndex read(JsonParser parser) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw SmeltException.checkpoint(file + ": not a JSON object", HINT);
      }
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String field = parser.currentName();
        boolean object = parser.nextToken() == JsonToken.START_OBJECT;
        if (object && field.equals("weight_map")) {
          hasMap = true;
          readMap(parser);
        } else if (object && field.equals("metadata")) {
          hasMetadata = true;
          readMetadata(parser);
        } else {
          parser.skipChildren();
        }
      }
      if (!hasMap) {
        problems.add(file + ": weight_map: expected an object, found none");
      }
      if (!problems.isEmpty()) {
        throw SmeltException.all(Fault.CHECKPOINT, Failures.shortened(problems), HINT);
      }
      return new ShardIndex(file, shardOf, hasMetadata, totalSize);
    }

    private void readMap(JsonParser parser) {
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String tensor = parser.currentName();
        if (parser.nextToken() != JsonToken.VALUE_STRING) {
          problems.add(
              file
                  + ": weight_map: "
                  + tensor
                  + ": expected a file name, found "
                  + JsonText.show(parser));
          parser.skipChildren();
        } else if (shardOf.putIfAbsent(tensor, parser.getString()) != null) {
          problems.add(file + ": weight_map names " + tensor + " twice");
        }
      }
    }

    private void readMetadata(JsonParser parser) {
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String field = parser.currentName();
        parser.nextToken();
        if (field.equals("total_size") && parser.currentToken().isNumeric()) {
          totalSize = OptionalLong.of((long) parser.getDoubleValue());
          if (JsonText.isLong(parser)) {
            totalSize = OptionalLong.of(parser.getLongValue());
          }
        }
        parser.skipChildren();
      }
    }
  }
}
