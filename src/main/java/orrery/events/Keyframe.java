package orrery.events;

import java.util.List;
import java.util.Map;
import orrery.events.Event.PoolPages;
import orrery.events.Holds.PageRun;

/**
 * The engine's books between two steps, whole: a reader that has missed what came before begins
 * here. They are read from the pools, the page tables, the queues and the prefix cache, and not
 * from the events before. So a keyframe also proves a reader that has followed those.
 *
 * <p>The first one comes before every other event but the {@link Vocabulary}. Others follow a step,
 * now and then, and a flush.
 *
 * @param step the newest step; -1 before the first
 * @param model name of its directory
 * @param pageTokens P
 * @param switches every switch of the engine: name of its flag, without dashes, to its value as
 *     users write it
 * @param shapes [pools]
 * @param pools [pools] as in {@link Event.StepDone}, but that no page is {@code passed}
 * @param sequences the running ones in order of admission, then the waiting ones in queue order,
 *     then, by request, those that are on their way between two engines
 * @param blocks of the prefix cache, in no particular order
 */
public record Keyframe(
    long nanos,
    long step,
    String model,
    int pageTokens,
    Map<String, String> switches,
    List<PoolShape> shapes,
    boolean paused,
    List<PoolPages> pools,
    List<BookedSequence> sequences,
    List<CachedBlock> blocks)
    implements Event.Books {
  public Keyframe {
    shapes = List.copyOf(shapes);
    pools = List.copyOf(pools);
    sequences = List.copyOf(sequences);
    blocks = List.copyOf(blocks);
  }

  /**
   * A pool of pages.
   *
   * @param span slots of a page
   * @param pages numbered from 1
   * @param perBlock pages that P slots take
   * @param unneeded how many of these, at a block's beginning, no hit needs. A block that lacks
   *     another page is a tombstone: no hit may end there
   */
  public record PoolShape(String name, int span, int pages, int perBlock, int unneeded) {}

  /**
   * A sequence of an unfinished request. The choices of a request that were not made yet have none.
   *
   * @param choice which answer of the request, from 0
   * @param choices how many answers the request asked for
   * @param state {@code running} or {@code waiting}; or where its request stands on its way from a
   *     prefill engine to a decode engine ({@link Event.Queue}): {@code bootstrap}, {@code
   *     prealloc}, {@code transfer}, {@code arrived} (in a decode engine that has its rows and no
   *     place for it yet) or {@code inflight}. In the last three its first answer has pages
   * @param tokens [known] prompt and answer so far
   * @param computed how many of them have their rows in the cache
   * @param block as in {@link Holds}; -1 while it has no pages
   * @param pools [pools] its page tables; empty while it has none
   */
  public record BookedSequence(
      int request,
      int sequence,
      int choice,
      int choices,
      String state,
      int retractions,
      int promptTokens,
      int maxTokens,
      int[] tokens,
      int computed,
      int block,
      List<PageRun> pools) {
    public BookedSequence {
      pools = List.copyOf(pools);
    }
  }

  /**
   * A block of the prefix cache.
   *
   * @param holders sequences that hold it, themselves or through a block behind it
   * @see BlockKept
   */
  public record CachedBlock(
      int block, int parent, int[] tokens, int[][] pages, int priority, int holders) {}
}
