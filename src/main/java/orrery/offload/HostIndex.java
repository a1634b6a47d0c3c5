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
 * HostOrder} says; but not one whose slot is in use. Only the engine's thread touches it.
 */
final class HostIndex {
  private final HostPool pool;
  private Behind behind = Behind.NOTHING;
  private final List<Map<Part, HostPart>> parts = new ArrayList<>(); // [pools]
  private final List<HostOrder> orders = new ArrayList<>(); // [pools]
  private final int[] storing; // [pools] parts that are on their way
  private final long[] evicted; // [pools] parts that gave up their slot
  private long losses; // as in PrefixCache

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
   * Gives a part that is not here a slot. For one of a low priority no part of a higher one goes.
   *
   * @param priority of the part
   * @return null if no slot is free, and none can become free for it: {@link #why}
   */
  HostPart add(Part part, int priority) {
    if (pool.available(part.pool()) == 0) {
      evict(part.pool(), priority);
    }
    int slot = pool.take(part.pool());
    if (slot == HostPool.NONE) {
      return null;
    }
    HostPart added = orders.get(part.pool()).add(part, slot);
    parts.get(part.pool()).put(part, added);
    return added;
  }

  /** Why a pool had no slot for a part. */
  String why(int of) {
    return orders.get(of).size() == 0
        ? "all host slots are in use"
        : "all host slots have parts of higher priority";
  }

  /** Says what lies behind host memory. */
  void behind(Behind behind) {
    this.behind = behind;
  }

  /**
   * Evicts one part, if one may go. The first in the order goes that is saved behind host memory.
   * The first few are saved ahead, since nothing waits for a disk; only where these are not saved
   * yet, the next one goes as it is.
   */
  private void evict(int of, int priority) {
    List<HostPart> first =
        orders.get(of).first(Math.max(1, behind.ahead(pool.total(of))), priority);
    for (HostPart part : first) {
      if (!behind.has(part) && !behind.leaving(part)) {
        break; // it takes no more
      }
    }
    first.stream()
        .filter(part -> part.evictable() && behind.has(part))
        .findFirst()
        .or(() -> orders.get(of).first(1, priority).stream().findFirst())
        .ifPresent(this::evict);
  }

  private void evict(HostPart part) {
    evicted[part.part.pool()]++;
    remove(part, true);
  }

  /** Takes a part out; nothing may be copied to or from its slot any more. */
  void remove(HostPart part) {
    remove(part, false);
  }

  /** Takes note that rows have left pages or the host that a hit may have had. */
  void lost() {
    losses++;
  }

  /** How often that was. */
  long losses() {
    return losses;
  }

  private void remove(HostPart part, boolean evict) {
    lost();
    parts.get(part.part.pool()).remove(part.part);
    orders.get(part.part.pool()).remove(part);
    pool.give(part.part.pool(), part.slot);
    behind.gone(part, evict);
  }

  /**
   * Takes a part out that is not wanted any more; where its slot is in use, {@link #rest} does so
   * later.
   */
  void flush(HostPart part) {
    part.flush();
    lost();
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
      int evictable = 0;
      for (HostPart part : parts.get(p).values()) {
        if (taken[part.slot]) {
          throw new IllegalStateException("host slot " + part.slot + " has two parts");
        }
        if (part.flushed() && part.evictable()) {
          throw new IllegalStateException(part.part + " was flushed, and keeps its slot");
        }
        taken[part.slot] = true;
        onTheWay += part.whole() ? 0 : 1;
        evictable += part.evictable() ? 1 : 0;
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
      if (orders.get(p).size() != evictable) {
        throw new IllegalStateException("pool " + p + ": not every part that may go is in order");
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
