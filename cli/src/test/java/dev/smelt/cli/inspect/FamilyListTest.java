package dev.smelt.cli.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.smelt.model.Families;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class FamilyListTest {
  @Test
  void thePageIsCurrent() throws IOException {
    Path page = Path.of("../docs/families.md");
    assertThat(page)
        .as("make it with: ./smelt families --markdown > docs/families.md")
        .hasContent(FamilyList.markdown());
    assertThat(Files.readString(page)).endsWith("|\n");
  }

  @Test
  void everyTypeIsListedWithItsRouter() {
    assertThat(FamilyList.text().lines()).hasSize(Families.modelTypes().size() + 2);
    assertThat(FamilyList.json().values())
        .allSatisfy(features -> assertThat(features.getFirst()).endsWith("router"));
  }
}
