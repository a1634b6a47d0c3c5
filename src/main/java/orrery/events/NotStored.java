package orrery.events;

/**
 * A part was to be stored in host memory, and is not.
 *
 * @param pool its name, as in {@link Event.PoolPages}
 * @param pages of the part
 * @param why {@code cancelled}, or what went wrong
 */
public record NotStored(long nanos, String pool, int pages, String why) implements Event.Tiers {}
