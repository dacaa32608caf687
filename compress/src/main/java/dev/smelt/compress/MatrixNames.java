package dev.smelt.compress;

import dev.smelt.model.ExpertPart;
import dev.smelt.model.compact.MatrixForm;
import java.util.Locale;

/** The matrices of an expert as messages and reports name them. */
final class MatrixNames {
  private MatrixNames() {}

  static String of(ExpertPart part) {
    return part.name().toLowerCase(Locale.ROOT);
  }

  static String of(MatrixForm form) {
    return of(form.part());
  }
}
