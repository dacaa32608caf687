package dev.smelt.merge.alignment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.SmeltException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class CostsTest {
  @Test
  void readsRowsFromNativeMemory() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4);
      Costs costs = Costs.of(values, 2);
      assertThat(costs.size()).isEqualTo(2);
      assertThat(costs.at(0, 1)).isEqualTo(2);
      assertThat(costs.at(1, 0)).isEqualTo(3);
    }
  }

  @Test
  void namesTheValueThatIsNotFinite() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      assertThatThrownBy(() -> Costs.of(new float[][] {{1, 2}, {3, bad}}))
          .isInstanceOf(SmeltException.class)
          .hasMessageContaining("row 1, column 1 is " + bad);
    }
  }

  @Test
  void refusesWhatIsNotSquare() {
    assertThatThrownBy(() -> Costs.of(new float[][] {{1, 2}, {3}}))
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining("row 1 has 1 columns, expected 2");
    assertThatThrownBy(() -> Costs.of(MemorySegment.ofArray(new byte[12]), 2))
        .isInstanceOf(SmeltException.class)
        .hasMessageContaining("needs 16 bytes, found 12");
  }
}
