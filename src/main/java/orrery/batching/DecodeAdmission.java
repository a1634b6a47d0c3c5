package orrery.batching;

import java.util.List;
import java.util.function.ToIntFunction;
import orrery.batching.View.Item;
import orrery.kv.KvGeometry;

/**
 * When a decode engine gives pages to a request whose prompt another engine computes. These pages
 * are taken before the prompt is computed, so what is sent always finds pages, and the other engine
 * never holds finished prompts because this one is full.
 *
 * <p>In each pool, as SGLang does it ({@code disaggregation/decode.py}):
 *
 * <pre>
 *   allocatable = free - max(what all sequences there will need soon,
 *                            what one of them needs to finish when all others are retracted)
 *   needed      = max(prompt and the tokens it will need soon,
 *                     what it needs to finish when all that run are retracted)
 * </pre>
 *
 * <p>A request gets pages if <em>needed</em> is at most <em>allocatable</em>. A pool that keeps a
 * window never needs more than the window. Where a policy retracts nothing, "soon" is until the
 * end. An empty engine admits every request that it could ever answer.
 */
final class DecodeAdmission {
  private final KvGeometry geometry;
  private final int[] free; // [pools]
  private final int ahead;
  private final int margin;
  private final int reserve;

  /**
   * @param free [pools] pages that are free, or that only the prefix cache keeps
   * @param ahead slots beyond its computed tokens that a sequence has pages for
   * @param margin slots beside its window that a sequence may hold pages for
   * @param reserve tokens that a sequence will need soon, if its answer may be that long ({@code
   *     --num-reserved-decode-tokens})
   */
  DecodeAdmission(KvGeometry geometry, int[] free, int ahead, int margin, int reserve) {
    this.geometry = geometry;
    this.free = free;
    this.ahead = ahead;
    this.margin = margin;
    this.reserve = reserve;
  }

  /**
   * Whether a sequence gets pages now.
   *
   * @param running those that run, and may be retracted
   * @param held those that have pages, and do not run yet
   */
  boolean admits(List<Item> running, List<Item> held, Sequence s) {
    for (int pool = 0; pool < free.length; pool++) {
      int retractable = running.stream().mapToInt(reclaimable(pool)).sum();
      int soon = 0;
      int alone = 0;
      for (Item item : running) {
        soon += grows(item, pool, soon(item.known(), item.longest()));
        int others = retractable - item.reclaimable()[pool];
        alone = Math.max(alone, grows(item, pool, item.longest()) - others);
      }
      for (Item item : held) {
        soon += grows(item, pool, soon(item.known(), item.longest()));
        alone = Math.max(alone, grows(item, pool, item.longest()) - retractable);
      }
      int allocatable = free[pool] - Math.max(soon, alone);
      int whole = geometry.expected(pool, 0, s.longest, 0, margin) - retractable;
      int now = geometry.expected(pool, 0, soon(s.known(), s.longest), 0, margin);
      if (Math.max(now, whole) > allocatable) {
        return false;
      }
    }
    return true;
  }

  private static ToIntFunction<Item> reclaimable(int pool) {
    return item -> item.reclaimable()[pool];
  }

  /** Slots that a sequence with so many known tokens will need soon. */
  private int soon(int known, int longest) {
    int least = Math.min(longest, known + ahead); // of which some are reserved at once
    return (int) Math.max(least, Math.min(longest, (long) known + reserve));
  }

  /** New pages of a sequence that grows to {@code to} slots. */
  private int grows(Item item, int pool, int to) {
    int owned = item.reclaimable()[pool];
    return geometry.expected(pool, item.held(), Math.max(to, item.held()), owned, margin);
  }
}
