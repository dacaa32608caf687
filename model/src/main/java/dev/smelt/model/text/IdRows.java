package dev.smelt.model.text;

import dev.smelt.io.Dtype;
import dev.smelt.io.SmeltException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Token ids stored as an array of one or two dimensions, little endian, in C order.
 *
 * @param where the file (and tensor), for messages
 * @param dtype I32, I64, U16 or U32
 * @param shape one dimension (a stream of tokens) or two (rows)
 * @param data the elements
 */
record IdRows(String where, Dtype dtype, List<Long> shape, MemorySegment data) {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  IdRows {
    if (!List.of(Dtype.I32, Dtype.I64, Dtype.U16, Dtype.U32).contains(dtype)) {
      throw SmeltException.checkpoint(
          where + ": token ids of type " + dtype + ", expected I32, I64, U16 or U32",
          "store the ids as integers, for instance ids.astype(numpy.int32)");
    }
    if (shape.isEmpty() || shape.size() > 2) {
      throw SmeltException.checkpoint(
          where + ": token ids of shape " + shape + ", expected [tokens] or [rows, tokens]",
          "reshape the array to two dimensions");
    }
    if (shape.getLast() > Integer.MAX_VALUE - 8) {
      throw SmeltException.unsupported(
          where + ": rows of " + shape.getLast() + " tokens are too long",
          "store the ids as [rows, tokens]");
    }
  }

  /**
   * All rows; an array of one dimension is one document, which may be cut.
   *
   * @param vocabulary how many tokens the model knows; ids are 0 to vocabulary - 1
   */
  List<Document> documents(int vocabulary) {
    boolean matrix = shape.size() == 2;
    long rows = matrix ? shape.getFirst() : 1;
    List<Document> documents = new ArrayList<>();
    for (long row = 0; row < rows; row++) {
      String name = matrix ? where + "[" + row + "]" : where;
      documents.add(new Document(name, row(row, name, vocabulary), matrix));
    }
    return documents;
  }

  private int[] row(long row, String name, int vocabulary) {
    int[] tokens = new int[Math.toIntExact(shape.getLast())];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = Vocabulary.check(element(row * tokens.length + i), vocabulary, name, i);
    }
    return tokens;
  }

  private long element(long index) {
    long offset = index * dtype.bytes();
    return switch (dtype.code()) {
      case "U16" -> Short.toUnsignedLong(data.get(U16, offset));
      case "U32" -> Integer.toUnsignedLong(data.get(I32, offset));
      case "I32" -> data.get(I32, offset);
      default -> data.get(I64, offset);
    };
  }
}
