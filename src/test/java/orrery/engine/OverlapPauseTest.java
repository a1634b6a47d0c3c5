package orrery.engine;

/** The same pauses, of an engine whose steps overlap: a pause waits for the step on its way. */
class OverlapPauseTest extends PauseTest {
  @Override
  boolean overlap() {
    return true;
  }
}
