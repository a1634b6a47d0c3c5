package orrery.xray;

import orrery.events.Event;

/**
 * Whether the engine is paused, as its events say: a page is not the only one that may pause it and
 * let it go on. One thread at a time tells, any may ask.
 */
final class Pauses {
  private volatile boolean now;
  private volatile long count; // pauses so far

  void see(Event event) {
    if (event instanceof Event.Paused) {
      count = count + 1; // only here, and so one after the other
      now = true;
    } else if (event instanceof Event.Resumed) {
      now = false;
    }
  }

  /** The engine has ended, and its pause with it. */
  void end() {
    now = false;
  }

  /** Whether the engine is paused. */
  boolean now() {
    return now;
  }

  /** The number of the newest pause; 0 before the first. */
  long newest() {
    return count;
  }
}
