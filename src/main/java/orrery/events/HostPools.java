package orrery.events;

import java.util.List;

/**
 * The slots of host memory after a step; comes before its {@link Event.StepDone}, or before {@link
 * Event.Idle}.
 *
 * @param pools those that have slots, in the order of the KV cache's pools
 */
public record HostPools(long nanos, List<HostSlots> pools) implements Event.Tiers {
  public HostPools {
    pools = List.copyOf(pools);
  }

  /**
   * The slots of a pool; each has room for one part.
   *
   * @param pool its name, as in {@link Event.PoolPages}
   * @param tokens of a block, which a part stands for
   * @param free slots
   * @param whole slots whose part lies there whole
   * @param storing slots whose part is on its way, from pages or from files
   * @param evicted parts that gave up their slot in this step
   */
  public record HostSlots(String pool, int tokens, int free, int whole, int storing, int evicted) {
    /** All slots. */
    public int total() {
      return free + whole + storing;
    }
  }
}
