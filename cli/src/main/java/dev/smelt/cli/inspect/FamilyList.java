package dev.smelt.cli.inspect;

import dev.smelt.cli.console.Table;
import dev.smelt.model.Families;
import dev.smelt.model.Family;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The supported model types in words, made of their descriptions. */
public final class FamilyList {
  private FamilyList() {}

  /** A table for the terminal. */
  public static String text() {
    Table table = new Table("model type", "features");
    Families.all().forEach(family -> table.row(family.modelType(), features(family)));
    return table.toString();
  }

  /** The page docs/families.md. */
  public static String markdown() {
    StringBuilder page = new StringBuilder();
    page.append("# Supported model types\n\n");
    page.append("This page is made of the descriptions in `Families.java` by\n");
    page.append(
        "`smelt families --markdown > docs/families.md`; a test checks that it is current.\n");
    page.append("A language model inside a larger one counts by the `model_type` of its\n");
    page.append(
        "`text_config`. Experts may lie in a tensor each or fused, in F32, F16, BF16, FP8 with\n");
    page.append(
        "block scales or MXFP4; what tensors show by themselves (biases, norms of queries and\n");
    page.append("keys, tied heads, dense layers) is not listed. What is written of quantised\n");
    page.append("models, of layers that predict further tokens, of routers with groups and of\n");
    page.append("encoder-decoders stands in [outputs.md](outputs.md).\n\n");
    page.append("| `model_type` | features |\n|---|---|\n");
    for (Family family : Families.all()) {
      page.append("| `%s` | %s |\n".formatted(family.modelType(), features(family)));
    }
    return page.toString();
  }

  /** Model types in order, with the features of each. */
  public static Map<String, List<String>> json() {
    Map<String, List<String>> all = new LinkedHashMap<>();
    Families.all().forEach(family -> all.put(family.modelType(), family.features()));
    return all;
  }

  private static String features(Family family) {
    return String.join(", ", family.features());
  }
}
