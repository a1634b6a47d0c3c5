package orrery.offload;

/** The store that simulations use keeps the contract of the real one. */
class MemoryPartStoreTest extends PartStoreContract {
  @Override
  PartStore store(long limit) {
    return new MemoryPartStore(limit);
  }
}
