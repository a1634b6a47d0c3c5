package orrery.events;

/**
 * Parts came from files to host memory; one read serves all sequences that wait for them.
 *
 * @param parts that came
 * @param wanted parts
 * @param begin when the disk's thread began, in nanoseconds on the engine's clock
 * @param end when it ended
 */
public record PartsRead(long nanos, int parts, int wanted, long bytes, long begin, long end)
    implements Event.Tiers {}
