package orrery.events;

/**
 * A sequence waits no longer for rows from files.
 *
 * @param tokens that its hit is longer by than when it began to wait; what other requests computed
 *     meanwhile counts too
 * @param why {@code done} if nothing more comes, {@code timeout}, {@code started} if the scheduler
 *     runs it with what has come, or {@code cancelled}
 */
public record Prefetched(long nanos, int request, int sequence, int tokens, String why)
    implements Event.Tiers {}
