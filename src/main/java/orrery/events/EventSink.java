package orrery.events;

/**
 * Takes the engine's events. The engine calls a sink on its own thread, so a sink must be quick,
 * and it must not throw.
 */
@FunctionalInterface
public interface EventSink {
  /** A sink that ignores every event. */
  EventSink NONE = event -> {};

  /** Takes one event. */
  void accept(Event event);

  /**
   * Whether this sink wants an {@link Event.PageMap} after every step. Making the map costs a walk
   * over all pages.
   */
  default boolean wantsPageMap() {
    return false;
  }

  /** A sink that hands each event to this sink and then to the other one. */
  default EventSink and(EventSink other) {
    EventSink first = this;
    return new EventSink() {
      @Override
      public void accept(Event event) {
        boolean map = event instanceof Event.PageMap; // large: only for a sink that wants it
        if (!map || first.wantsPageMap()) {
          first.accept(event);
        }
        if (!map || other.wantsPageMap()) {
          other.accept(event);
        }
      }

      @Override
      public boolean wantsPageMap() {
        return first.wantsPageMap() || other.wantsPageMap();
      }
    };
  }
}
