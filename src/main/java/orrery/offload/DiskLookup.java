package orrery.offload;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Asks which parts of a prefix the disk has. It asks in order and ends at the first that is not
 * there though every longer prefix needs it. The disk is asked each time, since other engines write
 * and delete too.
 */
public final class DiskLookup extends DiskJob {
  /**
   * A part that is looked for.
   *
   * @param needed whether every longer prefix needs it
   */
  public record Wanted(Part part, boolean needed) {}

  private final List<Wanted> wanted;
  private final Set<Part> found = new HashSet<>();
  private int next;
  private boolean missed;

  public DiskLookup(List<Wanted> wanted) {
    this.wanted = List.copyOf(wanted);
  }

  /** The parts that were there; may be asked when the job has been handed back. */
  public Set<Part> found() {
    return found;
  }

  @Override
  Turn turn() {
    return Turn.LOOKUP;
  }

  @Override
  boolean piece(PartStore store, HostPool host) {
    if (complete()) {
      return false; // nothing was wanted
    }
    Wanted one = wanted.get(next++);
    if (store.contains(one.part)) {
      found.add(one.part);
    } else {
      missed = one.needed;
    }
    return !complete();
  }

  @Override
  boolean complete() {
    return missed || next == wanted.size();
  }

  @Override
  public String toString() {
    return "look-up of " + wanted.size() + " " + state();
  }
}
