package orrery.kv;

/**
 * Tells a step which streams of its pages are there, while pages are still being loaded. A step
 * waits before it first reads a stream whose pages are on their way; so the pages of layer n + 1
 * can come while layer n is computed.
 */
public interface Arrival {
  /** Everything is there. */
  Arrival COMPLETE = stream -> {};

  /**
   * Waits until all pages that were on their way have the rows of the streams up to this one.
   *
   * @param stream index in the {@link KvLayout}
   */
  void await(int stream);
}
