package orrery.events;

/**
 * Pages that the prefix cache gave up and that had the same priority when they went.
 *
 * @param priority 0 to 100; 35 if no request said anything about them, or if its time was over
 */
public record EvictedPages(int priority, int pages) {}
