package dev.smelt.io;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The element type of a stored tensor.
 *
 * @param code the name in the safetensors header, such as {@code BF16}
 * @param bytes bytes per element; 0 for a type that smelt does not know, whose tensors are carried
 *     through as bytes
 */
public record Dtype(String code, int bytes) {
  public static final Dtype F64 = new Dtype("F64", 8);
  public static final Dtype F32 = new Dtype("F32", 4);
  public static final Dtype F16 = new Dtype("F16", 2);
  public static final Dtype BF16 = new Dtype("BF16", 2);
  public static final Dtype F8_E4M3 = new Dtype("F8_E4M3", 1);
  public static final Dtype F8_E5M2 = new Dtype("F8_E5M2", 1);
  public static final Dtype I64 = new Dtype("I64", 8);
  public static final Dtype I32 = new Dtype("I32", 4);
  public static final Dtype I16 = new Dtype("I16", 2);
  public static final Dtype I8 = new Dtype("I8", 1);
  public static final Dtype U64 = new Dtype("U64", 8);
  public static final Dtype U32 = new Dtype("U32", 4);
  public static final Dtype U16 = new Dtype("U16", 2);
  public static final Dtype U8 = new Dtype("U8", 1);
  public static final Dtype BOOL = new Dtype("BOOL", 1);

  /**
   * The known types by falling alignment, in the order in which the reference writer lays out the
   * tensors of a file.
   */
  static final List<Dtype> LAYOUT_ORDER =
      List.of(U64, I64, F64, F32, U32, I32, BF16, F16, U16, I16, F8_E4M3, F8_E5M2, I8, U8, BOOL);

  private static final Map<String, Dtype> KNOWN =
      LAYOUT_ORDER.stream().collect(Collectors.toUnmodifiableMap(Dtype::code, Function.identity()));

  /** The known type of this name, if there is one. */
  public static Optional<Dtype> known(String code) {
    return Optional.ofNullable(KNOWN.get(code));
  }

  /** The type of this name; one that smelt does not know has 0 bytes per element. */
  public static Dtype of(String code) {
    Dtype known = KNOWN.get(code);
    return known == null ? new Dtype(code, 0) : known;
  }

  /** Whether the size of an element is known. */
  public boolean isKnown() {
    return bytes > 0;
  }

  /** Whether elements are floating-point numbers that smelt can test for NaN and infinity. */
  public boolean isFloating() {
    return (code.startsWith("F") && isKnown()) || this.equals(BF16);
  }

  @Override
  public String toString() {
    return code;
  }
}
