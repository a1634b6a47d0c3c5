package orrery.cli;

import java.time.Duration;
import java.time.Instant;

/** Time since this process started. */
final class Clock {
  private Clock() {}

  static long millisSinceProcessStart() {
    Instant start = ProcessHandle.current().info().startInstant().orElse(Instant.now());
    return Duration.between(start, Instant.now()).toMillis();
  }
}
