package orrery.events;

/** A block left the prefix cache, and its number with it. */
public record BlockGone(long nanos, int block) implements Event.Books {}
