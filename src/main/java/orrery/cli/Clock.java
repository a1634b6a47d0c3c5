package orrery.cli;

import java.time.Duration;
import java.time.Instant;

/** How long this process has lived. */
final class Clock {
  private Clock() {}

  static long millisSinceProcessStart() {
    Instant start = ProcessHandle.current().info().startInstant().orElse(Instant.now());
    return Duration.between(start, Instant.now()).toMillis();
  }
}
