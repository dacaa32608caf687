package dev.smelt.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The descriptions of families that CONTRIBUTING.md shows are those of the source. */
class ContributingTest {
  private static final Path SOURCES = Path.of("src/main/java/dev/smelt/model");
  private static final Pattern DESCRIPTION =
      Pattern.compile("(?m)^ +registry\\.add\\((?:.|\\n)*?\\);$");

  @Test
  void showsDescriptionsAsTheyAre() throws IOException {
    String page = Files.readString(Path.of("..", "CONTRIBUTING.md"));
    List<String> shown = DESCRIPTION.matcher(page).results().map(MatchResult::group).toList();
    String sources = "";
    for (String file : List.of("SoftmaxFamilies", "SigmoidFamilies", "HybridFamilies")) {
      sources += dense(Files.readString(SOURCES.resolve(file + ".java")));
    }
    assertThat(shown).hasSize(3);
    assertThat(sources).contains(shown.stream().map(ContributingTest::dense).toList());
  }

  private static String dense(String code) {
    return code.replaceAll("\\s+", "");
  }
}
