package orrery.events;

/** Takes events, on the engine's thread, so it must be quick; it must not throw. */
@FunctionalInterface
public interface EventSink {
  /** Takes nothing. */
  EventSink NONE = event -> {};

  void accept(Event event);

  /** Both, in turn. */
  default EventSink and(EventSink other) {
    return event -> {
      accept(event);
      other.accept(event);
    };
  }
}
