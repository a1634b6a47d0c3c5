package orrery.offload;

/** Writes a part from a host slot to the disk, if the disk does not have it. */
public final class DiskWrite extends DiskJob {
  private final Part part;
  private final int slot;
  private volatile boolean stored;

  /**
   * @param slot of the host pool that has the whole part
   */
  public DiskWrite(Part part, int slot) {
    this.part = part;
    this.slot = slot;
  }

  public Part part() {
    return part;
  }

  public int slot() {
    return slot;
  }

  /** Whether the disk has the part now; if not though the job is done, the store has told why. */
  public boolean stored() {
    return stored;
  }

  @Override
  Turn turn() {
    return Turn.WRITE;
  }

  @Override
  boolean piece(PartStore store, HostPool host) {
    if (store.contains(part)) {
      stored = true;
      return false;
    }
    var bytes = host.at(part.pool(), slot);
    if (store.put(part, bytes)) {
      stored = true;
      moved(bytes.byteSize());
    }
    return false;
  }

  @Override
  boolean complete() {
    return stored;
  }

  @Override
  public String toString() {
    return "write " + part + " " + state();
  }
}
