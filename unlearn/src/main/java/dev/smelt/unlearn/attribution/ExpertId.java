package dev.smelt.unlearn.attribution;

import dev.smelt.io.SmeltException;
import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A routed expert of a model.
 *
 * @param layer index of the decoder layer
 * @param expert its number in the layer
 */
public record ExpertId(int layer, int expert) implements Comparable<ExpertId> {
  private static final Pattern FORM = Pattern.compile("(\\d{1,6}):(\\d{1,6})");
  private static final Comparator<ExpertId> ORDER =
      Comparator.comparingInt(ExpertId::layer).thenComparingInt(ExpertId::expert);

  /**
   * Reads {@code LAYER:EXPERT}.
   *
   * @throws SmeltException if the text is something else
   */
  public static ExpertId parse(String text) {
    Matcher form = FORM.matcher(text.strip());
    if (form.matches()) {
      return new ExpertId(Integer.parseInt(form.group(1)), Integer.parseInt(form.group(2)));
    }
    if (text.contains("shared")) {
      throw SmeltException.usage(
          "target "
              + text
              + ": a shared expert runs on every token and has no router row to anchor",
          "choose a routed expert as LAYER:EXPERT; training shared experts costs the most of all");
    }
    throw SmeltException.usage(
        "target '" + text + "': expected LAYER:EXPERT", "write it like --target 4:17");
  }

  @Override
  public int compareTo(ExpertId other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return layer + ":" + expert;
  }
}
