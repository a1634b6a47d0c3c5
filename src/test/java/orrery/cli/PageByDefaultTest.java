package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.server.ServerOptions;

/** Where {@code orrery serve} serves the X-ray page if its user says nothing about it. */
class PageByDefaultTest {
  private static final ServerOptions HERE = ServerOptions.defaults();
  private static final ServerOptions ANYWHERE = HERE.withAllowAnyone(true).withHost("0.0.0.0");

  private static boolean served(ServerOptions options) {
    return new ServeCommand().xray(options);
  }

  @Test
  void itIsThereForThisMachineAndForTheOwnerOfTheOnlyKey() {
    assertThat(served(HERE)).isTrue();
    assertThat(served(HERE.withApiKeys(List.of("a")))).isTrue();
    assertThat(served(ANYWHERE.withApiKeys(List.of("a")))).isTrue();
  }

  @Test
  void whoeverFindsTheServerDoesNotSeeTheCallersPrompts() {
    assertThat(served(ANYWHERE)).isFalse();
    assertThat(served(HERE.withApiKeys(List.of("a", "b")))).isFalse();
    assertThat(served(ANYWHERE.withApiKeys(List.of("a", "b")))).isFalse();
  }
}
