package orrery.offload;

import java.util.List;

/**
 * Reads parts from the disk into host slots for one request that waits. It reads them in order and
 * ends at the first that is not there, since a prefix has no holes.
 *
 * <p>A request that waits no longer asks for the end ({@link DiskQueue#cancel}) and takes what came
 * until then. So SGLang's three policies need nothing else: {@code best_effort} asks for the end
 * when the scheduler would run the request, {@code timeout} when its time is up, and {@code
 * wait_complete} never (SGLang {@code srt/managers/cache_controller.py}, {@code
 * PrefetchOperation}).
 */
public final class Prefetch extends DiskJob {
  private final List<Part> parts;
  private final int[] slots; // [parts] of the host pool
  private volatile int came;
  private boolean missed; // only the thread that does the pieces touches it

  /**
   * @param parts in the order in which they are wanted, at least one
   * @param slots [parts] of the host pool, one for each part
   */
  public Prefetch(List<Part> parts, int[] slots) {
    if (parts.isEmpty() || parts.size() != slots.length) {
      throw new IllegalArgumentException(
          "prefetch: expected a slot for each of at least one part, found "
              + slots.length
              + " for "
              + parts.size());
    }
    this.parts = List.copyOf(parts);
    this.slots = slots.clone();
  }

  public List<Part> parts() {
    return parts;
  }

  /** [parts] of the host pool. */
  public int[] slots() {
    return slots;
  }

  /**
   * How many parts came: the slots of so many first parts have their rows, and the others may have
   * anything. It grows until the job has ended; after a cancellation by one at most.
   */
  public int came() {
    return came;
  }

  @Override
  Turn turn() {
    return Turn.READ;
  }

  @Override
  boolean piece(PartStore store, HostPool host) {
    Part part = parts.get(came);
    var into = host.at(part.pool(), slots[came]);
    if (!store.get(part, into)) {
      missed = true;
      return false;
    }
    moved(into.byteSize());
    came = came + 1; // after the rows: who sees it, sees them
    return came < parts.size();
  }

  @Override
  boolean complete() {
    return missed || came == parts.size();
  }

  @Override
  public String toString() {
    return "prefetch of " + parts.size() + ", came " + came + ", " + state();
  }
}
