package orrery.events;

/**
 * A file has one part now. Comes when the engine's thread hears of it.
 *
 * @param pool its name, as in {@link Event.PoolPages}
 * @param tokens of the block
 * @param begin when the disk's thread began, in nanoseconds on the engine's clock
 * @param end when it ended
 */
public record Written(long nanos, String pool, int tokens, long bytes, long begin, long end)
    implements Event.Tiers {}
