package orrery.disagg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PrefillHostsTest {
  private static final List<String> THIS_MACHINE =
      List.of(
          "localhost",
          "LocalHost",
          "127.0.0.1",
          "127.8.9.10",
          "127.1",
          "::1",
          "[::1]",
          "0:0:0:0:0:0:0:1");

  @Test
  void withoutAListOnlyThisMachineMayBeNamed() {
    PrefillHosts hosts = PrefillHosts.of(List.of());
    assertThat(THIS_MACHINE).allMatch(hosts::allow);
    assertThat(List.of("10.1.2.3", "a", "127.0.0.1.example.org", "0.0.0.0", "", "0x7f.1", "*"))
        .noneMatch(hosts::allow);
  }

  @Test
  void listedHostsMayBeNamedInAnySpellingOfTheSameNameOrAddress() {
    PrefillHosts hosts = PrefillHosts.of(List.of("Prefill-1.cluster", "10.1.2.3", "fe80::1"));
    assertThat(List.of("prefill-1.CLUSTER", "10.1.2.3", "[fe80::1]", "FE80:0::1"))
        .allMatch(hosts::allow);
    assertThat(THIS_MACHINE).allMatch(hosts::allow);
    assertThat(List.of("prefill-2.cluster", "10.1.2.4", "fe80::2", "cluster"))
        .noneMatch(hosts::allow);
  }

  @Test
  void aStarStandsForEveryHost() {
    assertThat(List.of("10.1.2.3", "a", "127.0.0.1"))
        .allMatch(PrefillHosts.of(List.of("*"))::allow);
  }
}
