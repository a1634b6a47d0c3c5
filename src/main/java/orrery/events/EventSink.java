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
        first.accept(event);
        other.accept(event);
      }

      @Override
      public boolean wantsPageMap() {
        return first.wantsPageMap() || other.wantsPageMap();
      }
    };
  }
}
