package dev.smelt.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.smelt.io.Fault;
import dev.smelt.io.SmeltException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompressionMethodsTest {
  @Test
  void methodsHaveUniqueNamesAPageAndOptionsThatAgree() {
    List<String> names = CompressionMethods.all().stream().map(CompressionMethod::name).toList();
    assertThat(names).doesNotHaveDuplicates().allMatch(name -> name.matches("[a-z]+(-[a-z]+)*"));
    assertThat(names).allMatch(name -> Files.exists(Path.of("../docs/methods", name + ".md")));
    SequencedMap<String, MethodOption> options = CompressionMethods.options();
    CompressionMethods.all().stream()
        .flatMap(method -> method.options().stream())
        .forEach(
            option -> {
              assertThat(option.name()).matches("[a-z]+(-[a-z]+)*");
              assertThat(option.isFlag()).isEqualTo(options.get(option.name()).isFlag());
            });
  }

  static GivenOptions given(String... words) {
    SequencedMap<String, String> values = new LinkedHashMap<>();
    Stream.of(words)
        .map(word -> word.split("=", 2))
        .forEach(pair -> values.put(pair[0], pair.length > 1 ? pair[1] : "true"));
    return new GivenOptions(values);
  }

  @ParameterizedTest
  @CsvSource({
    "low-rank, , --rank",
    "low-rank, rank=0, at least 1",
    "low-rank, rank=a, whole number",
    "low-rank, parameter-ratio=1.5, at most 1",
    "low-rank, energy=0, above 0",
    "low-rank, rank=3 energy=0.5, exclude each other",
    "low-rank, rank=3 gate-weighted, needs --whiten",
    "low-rank, rank=3 allocation=some, 'uniform, global'",
    "low-rank, rank=3 whiten ridge=-1, above 0",
    "low-rank-sparse, parameter-ratio=0.05, leaves nothing",
    "shared-delta, rank=3 base=none, 'frequency, uniform, fisher'"
  })
  void wrongOptionsAreUsageErrors(String method, String words, String message) {
    String[] split = words == null ? new String[0] : words.split(" ");
    assertThatThrownBy(() -> CompressionMethods.named(method).configure(given(split)))
        .isInstanceOfSatisfying(
            SmeltException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.USAGE);
              assertThat(e.getMessage()).contains(message);
            });
  }

  @Test
  void optionsOfOtherMethodsAreRefused() {
    assertThatThrownBy(() -> given("keep=0.1").requireFor(CompressionMethods.named("low-rank")))
        .hasMessageContaining("--keep");
    assertThatThrownBy(() -> CompressionMethods.named("low-rnk")).hasMessageContaining("low-rnk");
  }
}
