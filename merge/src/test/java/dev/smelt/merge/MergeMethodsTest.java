package dev.smelt.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MergeMethodsTest {
  @Test
  void namesAreUniqueAndInKebabCaseAndDocumented() {
    List<String> names = MergeMethods.all().stream().map(MergeMethod::name).toList();
    assertThat(names).doesNotHaveDuplicates().allMatch(name -> name.matches("[a-z]+(-[a-z]+)*"));
    assertThat(MergeMethods.all()).allMatch(method -> !method.summary().isBlank());
    for (String name : names) {
      assertThat(Path.of("../docs/methods", name + ".md")).exists();
    }
  }

  @Test
  void anUnknownNameIsRefusedWithTheKnownOnes() {
    assertThatThrownBy(() -> MergeMethods.named("msmoe"))
        .hasMessageContaining("unknown merge method 'msmoe'");
  }

  @Test
  void aGroupThatWasNeverUsedIsAveragedUniformly() {
    Group group = Group.weighted(1, List.of(0, 1), new double[] {0, 0, 5});
    assertThat(group.weights()).containsExactly(0.5, 0.5);
  }
}
