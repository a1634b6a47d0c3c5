package orrery.events;

import java.util.List;

/**
 * What a running sequence holds at the end of a step, if that changed since its last such event.
 * Comes before {@link Event.StepDone}. The hold ends with {@link Event.Finished} or {@link
 * Event.Retracted}, which say it alone.
 *
 * @param block the last block of the prefix cache that the sequence holds, with all blocks on the
 *     way to it ({@link BlockKept#parent}); -1 if none
 * @param pools [pools] the sequence's page tables
 */
public record Holds(long nanos, int request, int sequence, int block, List<PageRun> pools)
    implements Event.Books {
  public Holds {
    pools = List.copyOf(pools);
  }

  /**
   * The page table of a sequence in one pool.
   *
   * @param first index of the table's first page; windows have passed the pages before it, or a hit
   *     did not need them
   * @param pages [held] the pages from there on. Pages of a pool are numbered from 1
   */
  public record PageRun(int first, int[] pages) {}
}
