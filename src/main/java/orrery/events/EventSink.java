package orrery.events;

/** Takes events, on the engine's thread, so it must be quick; it must not throw. */
@FunctionalInterface
public interface EventSink {
  /** Takes nothing. */
  EventSink NONE = event -> {};

  void accept(Event event);

  /**
   * Whether it wants an {@link Event.PageMap} after every step, which costs a walk over all pages.
   */
  default boolean wantsPageMap() {
    return false;
  }

  /** Both, in turn. */
  default EventSink and(EventSink other) {
    EventSink first = this;
    return new EventSink() {
      @Override
      public void accept(Event event) {
        boolean map = event instanceof Event.PageMap; // large: only for those who asked
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
