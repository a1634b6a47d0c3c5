package orrery.disagg;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How long a room that has failed is kept. */
class PrefillRoomTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  @Test
  void aRequestThatTheEngineHasNotTakenIsNotRememberedForTheWholeTimeToBootstrap() {
    PrefillRoom room = new PrefillRoom(7, LONG, LONG, _ -> {});
    assertThat(room.claim()).isTrue();
    assertThat(room.remembered()).isEqualTo(Duration.ofSeconds(10));
    Duration less = Duration.ofSeconds(2);
    assertThat(new PrefillRoom(8, less, LONG, _ -> {}).remembered()).isEqualTo(less);
  }
}
