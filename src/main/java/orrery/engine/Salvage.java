package orrery.engine;

/** What an engine still does when a bug has stopped it: the same bug may strike again. */
final class Salvage {
  private Salvage() {}

  /**
   * Does something; if that fails, what comes after it goes on all the same.
   *
   * @param why the engine stopped; keeps what fails now
   */
  static void attempt(Throwable why, Runnable what) {
    try {
      what.run();
    } catch (Throwable again) {
      if (again != why) {
        why.addSuppressed(again);
      }
    }
  }
}
