package orrery.offload;

/** What moved between the tiers since the beginning, in parts. */
public final class TierCounts {
  long stored; // whole on the host
  long forced; // of these, begun only when a page left
  long loaded; // begun
  long putOff; // the mover had too many copies
  long dropped; // all host slots were being copied

  /** Parts that lay whole in host memory. */
  public long stored() {
    return stored;
  }

  /** Parts whose copy was begun only when a page of theirs left the KV cache. */
  public long forced() {
    return forced;
  }

  /** Parts that were loaded into pages. */
  public long loaded() {
    return loaded;
  }

  /** Stores that were put off until the block leaves, since too many waited. */
  public long putOff() {
    return putOff;
  }

  /** Stores that there was no slot for, since parts in all slots were being copied. */
  public long dropped() {
    return dropped;
  }
}
