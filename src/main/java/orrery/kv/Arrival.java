package orrery.kv;

/**
 * Tells a step which streams of its pages are there, while pages are still being loaded. A step
 * waits before it first reads a stream whose pages are on their way; so the pages of layer n + 1
 * can come while layer n is computed.
 */
public interface Arrival {
  /** Everything is there. */
  Arrival COMPLETE = stream -> {};

  /** In place of a stream: wait for all of them. */
  int EVERY_STREAM = Integer.MAX_VALUE - 1;

  /**
   * Waits until all pages that were on their way have the rows of the streams up to this one. Costs
   * next to nothing if they have.
   *
   * @param stream index in the {@link KvLayout}, or {@link #EVERY_STREAM}
   */
  void await(int stream);

  /** Nanoseconds that {@link #await} has waited. */
  default long waitedNanos() {
    return 0;
  }
}
