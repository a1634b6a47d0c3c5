package orrery.events;

/**
 * Part of a prefix hit came from host memory; follows the {@link Event.Admitted} whose {@code hit}
 * counts it.
 *
 * @param tokens of the hit's blocks that had a page to be loaded
 * @param pages to be loaded, of all pools
 */
public record HostHit(long nanos, int request, int sequence, int tokens, int pages)
    implements Event.Tiers {}
