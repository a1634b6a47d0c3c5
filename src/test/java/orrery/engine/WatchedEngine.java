package orrery.engine;

import orrery.events.EventSink;

/** Starts engines that tell their books after every step, for tests of other packages. */
public final class WatchedEngine {
  private WatchedEngine() {}

  /** Starts an engine; a sink that wants the books gets a keyframe after each step. */
  public static Engine start(LoadedModel loaded, EngineOptions options, EventSink sink) {
    Drafters drafters = Drafters.of(options.speculation(), loaded.model().vocab());
    return Engine.start(loaded, options, sink, drafters, 1);
  }
}
