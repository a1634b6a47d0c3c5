package orrery.disagg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrefillHostsTest {
  private static final int PORT = 8998;
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

  private static PrefillHosts hosts(String... lists) {
    return PrefillHosts.of(List.of(lists), PORT);
  }

  @Test
  void withoutAListOnlyOnePortOfThisMachineMayBeNamed() {
    PrefillHosts hosts = hosts();
    assertThat(THIS_MACHINE).allMatch(host -> hosts.allow(host, PORT));
    assertThat(THIS_MACHINE).noneMatch(host -> hosts.allow(host, 22));
    assertThat(List.of("10.1.2.3", "a", "127.0.0.1.example.org", "0.0.0.0", "", "0x7f.1", "*"))
        .noneMatch(host -> hosts.allow(host, PORT));
  }

  @Test
  void listedHostsMayBeNamedInAnySpellingOfTheSameNameOrAddressAndWithAnyPort() {
    PrefillHosts hosts = hosts("Prefill-1.cluster, 10.1.2.3", "fe80::1");
    assertThat(List.of("prefill-1.CLUSTER", "10.1.2.3", "[fe80::1]", "FE80:0::1"))
        .allMatch(host -> hosts.allow(host, PORT))
        .allMatch(host -> hosts.allow(host, 22));
    assertThat(THIS_MACHINE)
        .allMatch(host -> hosts.allow(host, PORT))
        .noneMatch(host -> hosts.allow(host, 22));
    assertThat(List.of("prefill-2.cluster", "10.1.2.4", "fe80::2", "cluster"))
        .noneMatch(host -> hosts.allow(host, PORT));
  }

  @Test
  void aHostThatIsListedWithPortsMayBeNamedWithTheseAlone() {
    PrefillHosts hosts = hosts("a:70,a:71,[fe80::1]:72,127.0.0.1:73");
    assertThat(hosts.allow("A", 70) && hosts.allow("a", 71)).isTrue();
    assertThat(hosts.allow("fe80:0::1", 72)).isTrue();
    assertThat(THIS_MACHINE)
        .allMatch(host -> hosts.allow(host, 73))
        .allMatch(host -> hosts.allow(host, PORT))
        .noneMatch(host -> hosts.allow(host, 70));
    assertThat(List.of("a", "fe80::1", "a:70", "fe80::1:72"))
        .noneMatch(host -> hosts.allow(host, PORT));
    assertThat(hosts.allow("a:70", 70)).isFalse();
  }

  @Test
  void thisMachineInTheListStandsForAllItsPorts() {
    assertThat(THIS_MACHINE).allMatch(host -> hosts("localhost").allow(host, 22));
  }

  @Test
  void aStarStandsForEveryHost() {
    assertThat(List.of("10.1.2.3", "a", "127.0.0.1")).allMatch(host -> hosts("*").allow(host, 22));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        " ",
        "a,,b",
        "a,",
        "http://a",
        "a b",
        "a:",
        "a:0",
        "a:65536",
        "a:99999",
        "a:x",
        ":70",
        "10.1.2.300",
        "10.1.2.3.4",
        "[fe80::1",
        "[a]:70",
        "fe80::zz",
        "a/b",
        "*:70",
        "-a"
      })
  void whatIsNoNameAndNoAddressIsRefusedByTheOption(String list) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> hosts(list))
        .withMessageStartingWith(
            "disaggregation-prefill-hosts: expected HOST or HOST:PORT, a name or an address each,"
                + " with commas between, or *, found ");
  }
}
