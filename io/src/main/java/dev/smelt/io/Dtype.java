package dev.smelt.io;

import java.util.List;
import java.util.Optional;

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

  private static final List<Dtype> KNOWN =
      List.of(F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL);

  /** The known type of this name, if there is one. */
  public static Optional<Dtype> known(String code) {
    return KNOWN.stream().filter(dtype -> dtype.code.equals(code)).findFirst();
  }

  /** The type of this name; one that smelt does not know has 0 bytes per element. */
  public static Dtype of(String code) {
    return known(code).orElseGet(() -> new Dtype(code, 0));
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
