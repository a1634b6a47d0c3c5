package orrery.events;

/**
 * All that a step needed from host memory is in pages now; comes before the step's {@link
 * Event.StepDone}. One load has the parts of all sequences that the step began to compute.
 *
 * @param parts each has the pages of one pool of one block
 * @param pages that were loaded, of all pools
 * @param tokens of the blocks that had a page to be loaded
 * @param begin when the first rows were copied, in nanoseconds on the engine's clock
 * @param end when the last rows were copied
 * @param waited nanoseconds that the step waited for rows; the rest of the time it computed
 * @param taken pieces, one stream of one part each, that the step's own thread copied because the
 *     mover had failed
 * @param into [pools][pages of the pool that were loaded] the pages whose rows have come, numbered
 *     from 1 in each pool
 */
public record Loaded(
    long nanos,
    int parts,
    int pages,
    int tokens,
    long bytes,
    long begin,
    long end,
    long waited,
    int taken,
    int[][] into)
    implements Event.Tiers {}
