package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CustomIdsTest {
  @Test
  void anIdThatIsThereAlreadyIsFoundWithTheLineThatHadItFirst() {
    CustomIds ids = new CustomIds();
    assertThat(ids.add("a", 3)).isZero();
    assertThat(ids.add("b", 4)).isZero();
    assertThat(ids.add("a", 5)).isEqualTo(3);
    assertThat(ids.add("a", 6)).isEqualTo(3);
    assertThat(ids.add("", 7)).isZero();
    assertThat(ids.add("", 8)).isEqualTo(7);
  }

  @Test
  void twoHundredThousandIdsAreKeptApartAndFound() {
    CustomIds ids = new CustomIds();
    int n = 200_000;
    for (int i = 1; i <= n; i++) {
      assertThat(ids.add("request-" + i, i)).isZero();
    }
    for (int i = 1; i <= n; i++) {
      assertThat(ids.add("request-" + i, n + i)).isEqualTo(i);
    }
  }
}
