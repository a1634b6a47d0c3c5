package orrery.prefix;

import java.util.function.LongSupplier;

/** A clock that stands still until a test moves it. */
final class TestClock implements LongSupplier {
  private long now = 1_000;

  @Override
  public long getAsLong() {
    return now;
  }

  void pass(long nanos) {
    now += nanos;
  }
}
