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

  /**
   * Whether this sink wants the events of {@link Event.Books}. It is asked once, when the engine
   * starts.
   */
  default boolean wantsBooks() {
    return false;
  }

  /** A sink that hands each event to this sink and then to the other one. */
  default EventSink and(EventSink other) {
    EventSink first = this;
    return new EventSink() {
      @Override
      public void accept(Event event) {
        hand(event, first);
        hand(event, other);
      }

      private static void hand(Event event, EventSink sink) {
        boolean wanted =
            switch (event) {
              case Event.PageMap _ -> sink.wantsPageMap(); // large: only for a sink that wants it
              case Event.Books _ -> sink.wantsBooks();
              default -> true;
            };
        if (wanted) {
          sink.accept(event);
        }
      }

      @Override
      public boolean wantsPageMap() {
        return first.wantsPageMap() || other.wantsPageMap();
      }

      @Override
      public boolean wantsBooks() {
        return first.wantsBooks() || other.wantsBooks();
      }
    };
  }
}
