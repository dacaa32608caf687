package dev.smelt.unlearn.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.smelt.io.SmeltException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StopRuleTest {
  private static HeldOut losses(double forget, double retain) {
    return new HeldOut(forget, Optional.of(retain));
  }

  @Test
  void readsAllUnits() {
    assertThat(StopRule.parse("forget=3x").forget().above(2)).isCloseTo(3.0986, within(1e-4));
    assertThat(StopRule.parse("forget=+1.5").forget().above(2)).isEqualTo(3.5);
    assertThat(StopRule.parse("retain=+2%,forget=2x").retain().orElseThrow().above(2))
        .isEqualTo(2.04);
    assertThat(StopRule.parse(StopRule.DEFAULT)).hasToString("forget=3.0x,retain=1.02x");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "forget", "forget=3", "forget=+3x", "retain=2x", "forget=0.5x", "x=2x"})
  void refusesOthers(String text) {
    assertThatThrownBy(() -> StopRule.parse(text)).isInstanceOf(SmeltException.class);
  }

  @Test
  void prefersWhatTheRuleAllows() {
    StopRule rule = StopRule.parse("forget=+1,retain=+0.1");
    HeldOut before = losses(2, 2);
    assertThat(rule.isReached(losses(3, 2.1), before)).isTrue();
    assertThat(rule.isReached(losses(2.9, 2), before)).isFalse();
    assertThat(rule.isReached(losses(9, 2.2), before)).isFalse();
    assertThat(rule.isBetter(losses(2.5, 2.05), losses(9, 3), before)).isTrue();
    assertThat(rule.isBetter(losses(2.5, 2.05), losses(2.6, 2.0), before)).isFalse();
  }
}
