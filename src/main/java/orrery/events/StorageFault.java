package orrery.events;

/**
 * Something was not read or written. No request fails because of it: what is missing is computed.
 *
 * @param kind {@code broken}, {@code foreign} or {@code refused} by the file system; {@code busy}
 *     if too much waits for the disk; {@code lost} if a part left host memory before it was
 *     written; {@code bug} if a read or a write ended with a bug of ours
 * @param what in words
 */
public record StorageFault(long nanos, String kind, String what) implements Event.Tiers {}
