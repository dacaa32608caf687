package dev.smelt.cli.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void alignsNumbersRightAndTextLeft() {
    Table table = new Table("name", "count").row("a", 7).row("longer", "1,234").rule();
    assertThat(table.row("total", "-").toString())
        .isEqualTo(
            """
            name    count
            ──────  ─────
            a           7
            longer  1,234
            ──────  ─────
            total       -\
            """);
  }

  @Test
  void refusesRowsOfAnotherLength() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Table("a", "b").row("x"));
  }
}
