package dev.smelt.cli.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnitsTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.00 kB",
    "5785000, 5.79 MB",
    "999600, 1.00 MB",
    "5000000000, 5.00 GB",
    "-2500, -2.50 kB",
    "9223372036854775807, 9223 PB"
  })
  void bytes(long bytes, String text) {
    assertThat(Units.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"812, 812", "6919161856, 6.92 G", "30532122624, 30.5 G", "99960, 100 k"})
  void shortCounts(long count, String text) {
    assertThat(Units.shortCount(count)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "420, 0.42 s",
    "9996, 10.0 s",
    "59940, 59.9 s",
    "59960, 1 min 00 s",
    "185000, 3 min 05 s",
    "3599700, 1 h 00 min",
    "7320000, 2 h 02 min"
  })
  void durations(long millis, String text) {
    assertThat(Units.duration(Duration.ofMillis(millis))).isEqualTo(text);
  }
}
