package orrery.events;

/**
 * A sequence in the queue waits for rows that files have: until its {@link Prefetched}, others pass
 * it (with {@code best-effort} it only begins with what has come). Before that, it has waited for
 * the disk's thread to say what files have; where that is too little, there is no event.
 *
 * @param tokens that its hit is longer by if all comes
 * @param policy how long it waits
 */
public record Prefetching(long nanos, int request, int sequence, int tokens, String policy)
    implements Event.Tiers {}
