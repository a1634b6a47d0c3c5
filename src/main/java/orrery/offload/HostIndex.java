package orrery.offload;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Consumer;

/**
 * The parts in host memory, by name. Where all slots are taken, the part goes that was used least
 * recently; but not one that is being copied. Only the engine's thread touches it.
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

  private final HostPool pool;
  private Behind behind = Behind.NOTHING;
  private final List<LinkedHashMap<Part, HostPart>> parts = new ArrayList<>(); // [pools] old first
  private final int[] storing; // [pools] parts that are on their way
  private final long[] evicted; // [pools] parts that gave up their slot

  HostIndex(HostPool pool) {
    this.pool = pool;
    this.evicted = new long[pool.layout().pools()];
    this.storing = new int[evicted.length];
    for (int p = 0; p < evicted.length; p++) {
      parts.add(new LinkedHashMap<>());
    }
  }

  /** The part, whole or on its way; null if it has no slot. */
  HostPart find(Part part) {
    return parts.get(part.pool()).get(part);
  }

  /** The part, if it can be read; else null. */
  HostPart whole(Part part) {
    HostPart found = find(part);
    return found != null && found.whole() ? found : null;
  }

  /** Takes note that a part is used, if it is here. */
  void touch(Part part) {
    HostPart found = find(part);
    if (found != null) {
      parts.get(part.pool()).putLast(part, found);
    }
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
    HostPart added = new HostPart(part, slot);
    parts.get(part.pool()).put(part, added);
    return added;
  }

  /** Says what lies behind host memory. */
  void behind(Behind behind) {
    this.behind = behind;
  }

  /**
   * Evicts one part; those that are copied stand in its way only while they are. The oldest goes
   * that is saved behind host memory. The oldest few are saved ahead, since nothing waits for a
   * disk; only where these are not saved yet, the next one goes as it is.
   */
  private void evict(int of) {
    int ahead = behind.ahead(pool.total(of));
    HostPart unsaved = null;
    HostPart saved = null;
    int seen = 0;
    for (HostPart old : parts.get(of).values()) {
      if (old.evictable() && seen++ < ahead && !behind.has(old)) {
        behind.leaving(old);
      }
      if (old.evictable() && behind.has(old)) {
        saved = saved == null ? old : saved;
      } else if (old.evictable()) {
        unsaved = unsaved == null ? old : unsaved;
      }
      if (seen >= ahead && (saved != null || unsaved != null)) {
        break;
      }
    }
    HostPart goes = saved != null ? saved : unsaved;
    if (goes != null) {
      remove(goes);
      evicted[of]++;
    }
    if (goes != null && saved == null) {
      behind.lost(goes);
    }
  }

  /** Takes a part out; nothing may be copied to or from its slot any more. */
  void remove(HostPart part) {
    parts.get(part.part.pool()).remove(part.part);
    pool.give(part.part.pool(), part.slot);
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
