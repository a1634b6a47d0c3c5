package orrery.offload;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import orrery.prefix.Retention;
import orrery.prefix.Stay;

/**
 * The parts in host memory, by name. Where all slots are taken, the part goes that {@link
 * HostOrder} says; but not one that is being copied. Only the engine's thread touches it.
 */
final class HostIndex {
  /** What lies behind host memory. */
  interface Behind {
    /** Nothing: what leaves is gone. */
    Behind NOTHING =
        new Behind() {
          @Override
          public int ahead(int slots) {
            return 0;
          }

          @Override
          public boolean has(HostPart part) {
            return true;
          }

          @Override
          public void leaving(HostPart part) {}

          @Override
          public void lost(HostPart part) {}
        };

    /** How many of the parts that leave next are to be saved before their slots are wanted. */
    int ahead(int slots);

    /** Whether nothing is lost when a part leaves. */
    boolean has(HostPart part);

    /** A part that is not saved leaves soon; it may have a reader after this. */
    void leaving(HostPart part);

    /** A part has left that was not saved. */
    void lost(HostPart part);
  }

  /** Looks for the part that goes, from the first in the order on. */
  private static final class Search {
    private final Behind behind;
    private final int ahead; // parts that are saved before their slots are wanted
    private int seen; // that may go
    private HostPart saved;
    private HostPart unsaved;

    Search(Behind behind, int ahead) {
      this.behind = behind;
      this.ahead = ahead;
    }

    /** Looks at one more part; returns whether the search goes on. */
    boolean look(HostPart part) {
      if (part.evictable() && seen++ < ahead && !behind.has(part)) {
        behind.leaving(part);
      }
      if (part.evictable() && behind.has(part)) {
        saved = saved == null ? part : saved;
      } else if (part.evictable()) {
        unsaved = unsaved == null ? part : unsaved;
      }
      return seen < ahead || saved == null && unsaved == null;
    }
  }

  private final HostPool pool;
  private Behind behind = Behind.NOTHING;
  private final List<Map<Part, HostPart>> parts = new ArrayList<>(); // [pools]
  private final List<HostOrder> orders = new ArrayList<>(); // [pools]
  private final int[] storing; // [pools] parts that are on their way
  private final long[] evicted; // [pools] parts that gave up their slot

  /**
   * @param clock nanoseconds, by which retentions end
   */
  HostIndex(HostPool pool, LongSupplier clock) {
    this.pool = pool;
    this.evicted = new long[pool.layout().pools()];
    this.storing = new int[evicted.length];
    for (int p = 0; p < evicted.length; p++) {
      parts.add(new HashMap<>());
      orders.add(new HostOrder(clock));
    }
  }

  /** The part, whole or on its way; null if it has no slot. */
  HostPart find(Part part) {
    return parts.get(part.pool()).get(part);
  }

  /** The part, if it can be read; else null. */
  HostPart whole(Part part) {
    HostPart found = find(part);
    return found != null && found.whole() && !found.flushed() ? found : null;
  }

  /** Takes note that a part is used, if it is here. */
  void touch(Part part) {
    HostPart found = find(part);
    if (found != null) {
      orders.get(part.pool()).touch(found);
    }
  }

  /** Takes note that a part is kept like its block, if it is here. */
  void retain(Part part, Stay<?> like) {
    HostPart found = find(part);
    if (found != null) {
      orders.get(part.pool()).retain(found, like);
    }
  }

  /**
   * What is left of the retention of a part; null if it is the usual one, or the part is not here.
   */
  Retention left(Part part) {
    HostPart found = find(part);
    return found == null || found.stay.usual() ? null : orders.get(part.pool()).left(found);
  }

  /**
   * Gives a part that is not here a slot.
   *
   * @return null if all slots have parts that are being copied
   */
  HostPart add(Part part) {
    if (pool.available(part.pool()) == 0) {
      evict(part.pool());
    }
    int slot = pool.take(part.pool());
    if (slot == HostPool.NONE) {
      return null;
    }
    HostPart added = orders.get(part.pool()).add(part, slot);
    parts.get(part.pool()).put(part, added);
    return added;
  }

  /** Says what lies behind host memory. */
  void behind(Behind behind) {
    this.behind = behind;
  }

  /**
   * Evicts one part; those that are copied stand in its way only while they are. The first in the
   * order goes that is saved behind host memory. The first few are saved ahead, since nothing waits
   * for a disk; only where these are not saved yet, the next one goes as it is.
   */
  private void evict(int of) {
    Search search = new Search(behind, behind.ahead(pool.total(of)));
    orders.get(of).each(search::look);
    HostPart goes = search.saved != null ? search.saved : search.unsaved;
    if (goes != null) {
      remove(goes);
      evicted[of]++;
    }
    if (goes != null && search.saved == null) {
      behind.lost(goes);
    }
  }

  /** Takes a part out; nothing may be copied to or from its slot any more. */
  void remove(HostPart part) {
    parts.get(part.part.pool()).remove(part.part);
    orders.get(part.part.pool()).remove(part);
    pool.give(part.part.pool(), part.slot);
  }

  /**
   * Takes a part out that is not wanted any more; where its slot is in use, {@link #rest} does so
   * later.
   */
  void flush(HostPart part) {
    part.flush();
    rest(part);
  }

  /**
   * A use of a part's slot has ended: if it was flushed meanwhile, and no other is left, it goes.
   */
  void rest(HostPart part) {
    if (part.flushed() && part.evictable()) {
      remove(part);
    }
  }

  /** Visits all parts of a pool; the visit may remove the part. */
  void each(int of, Consumer<HostPart> visit) {
    List.copyOf(parts.get(of).values()).forEach(visit);
  }

  /** Parts of a pool that are on their way. */
  int storing(int of) {
    return storing[of];
  }

  /** Takes note that a part begins, or ceases, to be on its way. */
  void storing(int of, int more) {
    storing[of] += more;
  }

  /** Parts of a pool that have a slot. */
  int count(int of) {
    return parts.get(of).size();
  }

  /** Parts of a pool that gave up their slot, since the beginning. */
  long evicted(int of) {
    return evicted[of];
  }

  /**
   * Recounts the slots.
   *
   * @throws IllegalStateException if the books do not balance
   */
  void check() {
    for (int p = 0; p < evicted.length; p++) {
      boolean[] taken = new boolean[pool.total(p)]; // [slots]
      int onTheWay = 0;
      for (HostPart part : parts.get(p).values()) {
        if (taken[part.slot]) {
          throw new IllegalStateException("host slot " + part.slot + " has two parts");
        }
        if (part.flushed() && part.evictable()) {
          throw new IllegalStateException(part.part + " was flushed, and keeps its slot");
        }
        taken[part.slot] = true;
        onTheWay += part.whole() ? 0 : 1;
      }
      if (onTheWay != storing[p]) {
        throw new IllegalStateException(
            "pool "
                + p
                + ": "
                + storing[p]
                + " parts are booked as on their way, found "
                + onTheWay);
      }
      int used = pool.total(p) - pool.available(p);
      if (orders.get(p).size() != parts.get(p).size()) {
        throw new IllegalStateException("pool " + p + ": not every part is in the order");
      }
      if (used != parts.get(p).size()) {
        throw new IllegalStateException(
            "pool "
                + p
                + ": "
                + used
                + " host slots are taken by "
                + parts.get(p).size()
                + " parts");
      }
    }
  }
}
