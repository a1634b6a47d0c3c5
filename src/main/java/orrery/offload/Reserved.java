package orrery.offload;

import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Parts that stay on the host since requests wait that begin with them: at most half of the slots
 * of a pool, so that others always find some.
 */
final class Reserved {
  private final HostPool pool;
  private final Map<HostPart, Integer> requests = new IdentityHashMap<>(); // how many wait
  private final int[] parts; // [pools]

  Reserved(HostPool pool) {
    this.pool = pool;
    this.parts = new int[pool.layout().pools()];
  }

  /** Keeps a part for one more request; returns false, and does nothing, if there are too many. */
  boolean keep(HostPart part) {
    int of = part.part.pool();
    if (!requests.containsKey(part)) {
      if (2 * (parts[of] + 1) > pool.total(of)) {
        return false;
      }
      parts[of]++;
      part.read();
    }
    requests.merge(part, 1, Integer::sum);
    return true;
  }

  /** A request does not wait for it any more. */
  void release(HostPart part) {
    if (requests.merge(part, -1, Integer::sum) == 0) {
      requests.remove(part);
      parts[part.part.pool()]--;
      part.unread();
    }
  }

  /** Parts that are kept; each of them has a reader for it. */
  int count() {
    return requests.size();
  }
}
