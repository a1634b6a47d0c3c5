package orrery.prefix;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import orrery.offload.MemoryPartStore;
import orrery.offload.Part;
import orrery.offload.PartStore;

/** Files that other engines delete, and a disk that refuses now and then, as a seed draws. */
final class UnreliableStore implements PartStore {
  private final PartStore store;
  private final Random random;

  UnreliableStore(long limit, long seed) {
    this.store = new MemoryPartStore(limit);
    this.random = new Random(seed);
  }

  private boolean fails() {
    return random.nextInt(32) == 0;
  }

  @Override
  public boolean contains(Part part) {
    return !fails() && store.contains(part);
  }

  @Override
  public boolean used(Part part) {
    return !fails() && store.used(part);
  }

  @Override
  public boolean get(Part part, MemorySegment into) {
    if (fails()) {
      into.fill((byte) 0x55); // what is read then is no part
      return false;
    }
    return store.get(part, into);
  }

  @Override
  public boolean put(Part part, MemorySegment bytes) {
    return !fails() && store.put(part, bytes);
  }

  @Override
  public long bytes() {
    return store.bytes();
  }

  @Override
  public void close() {}
}
