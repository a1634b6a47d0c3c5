package orrery.offload;

import java.util.ArrayList;
import java.util.List;

/**
 * Tells the disk that parts are used whose rows came from faster memory, and learns which of them
 * it does not have.
 */
public final class DiskUse extends DiskJob {
  private final List<Part> parts;
  private final List<Part> missing = new ArrayList<>();
  private int next;

  /**
   * @param parts at least one
   */
  public DiskUse(List<Part> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("use: expected at least one part, found none");
    }
    this.parts = List.copyOf(parts);
  }

  /** The parts that were not there; may be asked when the job has been handed back. */
  public List<Part> missing() {
    return missing;
  }

  @Override
  Turn turn() {
    return Turn.USE;
  }

  @Override
  boolean piece(PartStore store, HostPool host) {
    Part part = parts.get(next++);
    if (!store.used(part)) {
      missing.add(part);
    }
    return !complete();
  }

  @Override
  boolean complete() {
    return next == parts.size();
  }

  @Override
  public String toString() {
    return "use of " + parts.size() + " " + state();
  }
}
