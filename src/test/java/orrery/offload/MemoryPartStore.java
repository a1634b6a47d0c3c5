package orrery.offload;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;

/** A store that forgets everything when it is closed: what a store does, in its plainest form. */
public final class MemoryPartStore implements PartStore {
  private final long limit;
  private final Map<Part, byte[]> parts = new LinkedHashMap<>(16, 0.75f, true); // by last use
  private long bytes;

  public MemoryPartStore(long limit) {
    this.limit = limit;
  }

  @Override
  public synchronized boolean contains(Part part) {
    return parts.containsKey(part);
  }

  @Override
  public synchronized boolean used(Part part) {
    return parts.get(part) != null; // which makes it the last one
  }

  @Override
  public synchronized boolean get(Part part, MemorySegment into) {
    byte[] found = parts.get(part);
    if (found == null || found.length != into.byteSize()) {
      return false;
    }
    into.copyFrom(MemorySegment.ofArray(found));
    return true;
  }

  @Override
  public synchronized boolean put(Part part, MemorySegment rows) {
    if (PartFile.HEADER + rows.byteSize() > limit) {
      return false;
    }
    byte[] old = parts.remove(part);
    bytes -= old == null ? 0 : PartFile.HEADER + old.length;
    while (bytes + PartFile.HEADER + rows.byteSize() > limit) {
      bytes -= PartFile.HEADER + parts.remove(parts.keySet().iterator().next()).length;
    }
    parts.put(part, rows.toArray(ValueLayout.JAVA_BYTE));
    bytes += PartFile.HEADER + rows.byteSize();
    return true;
  }

  @Override
  public synchronized long bytes() {
    return bytes;
  }

  @Override
  public void close() {}
}
