package orrery.events;

/**
 * One part, the pages of one pool that a block keeps, lies in host memory now. Comes when the
 * engine's thread hears of it.
 *
 * @param pool its name, as in {@link Event.PoolPages}
 * @param tokens of the block
 * @param pages of the part
 * @param begin when its first rows were copied, in nanoseconds on the engine's clock
 * @param end when its last rows were copied
 * @param forced whether the engine's thread made the copy or its rest, because a page was about to
 *     become free
 */
public record Stored(
    long nanos,
    String pool,
    int tokens,
    int pages,
    long bytes,
    long begin,
    long end,
    boolean forced)
    implements Event.Tiers {}
