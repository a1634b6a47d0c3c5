package orrery.engine;

/**
 * The end of an engine that a bug stops. It is made of steps, and each one is tried even if others
 * fail, so that no caller waits for ever. The bug may be that memory ran out; so a reserve is kept
 * for the end.
 */
final class Crash {
  private static final int RESERVE = 1 << 20; // bytes: a request that fails takes a few hundred

  private byte[] reserve = new byte[RESERVE];

  /** The bug has happened: gives the reserve free. */
  void begin() {
    reserve = null;
  }

  /** Tries a step; what goes wrong in it is kept with the bug. */
  static void attempt(Throwable bug, Runnable step) {
    try {
      step.run();
    } catch (OutOfMemoryError again) {
      // The next step needs what memory there is.
    } catch (Throwable again) {
      if (again != bug) { // the same bug may strike again
        bug.addSuppressed(again);
      }
    }
  }
}
