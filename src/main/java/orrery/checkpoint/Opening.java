package orrery.checkpoint;

import java.util.function.Supplier;

/** Opening what must be closed again if the rest of the work fails. */
final class Opening {
  private Opening() {}

  /**
   * Returns what {@code rest} makes; closes what is open already if it throws anything, an error of
   * the JVM too: a mapping outlives the heap that ran out.
   */
  static <T> T orClose(Runnable close, Supplier<T> rest) {
    boolean made = false;
    try {
      T all = rest.get();
      made = true;
      return all;
    } finally {
      if (!made) {
        close.run();
      }
    }
  }
}
