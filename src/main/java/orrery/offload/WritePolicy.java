package orrery.offload;

/** When a block of the KV cache is copied to host memory; the names are SGLang's. */
public enum WritePolicy {
  /** As soon as it is computed. */
  WRITE_THROUGH(1),
  /**
   * As soon as a second sequence has it: one that is used once would only take the place of others.
   */
  WRITE_THROUGH_SELECTIVE(2),
  /** When one of its pages leaves the KV cache. */
  WRITE_BACK(Integer.MAX_VALUE);

  private final int uses; // sequences that have the block, from which on it is copied

  WritePolicy(int uses) {
    this.uses = uses;
  }

  /** Whether a block that so many sequences had is to be copied while it stays. */
  boolean wants(int sequences) {
    return sequences >= uses;
  }

  /** Whether a block that so many sequences had is to be copied when it leaves. */
  boolean wantsLeaving(int sequences) {
    return this == WRITE_BACK || wants(sequences);
  }
}
