package orrery.offload;

import java.util.List;
import java.util.function.Consumer;
import orrery.kv.Arrival;

/**
 * Copies parts between the pages of the KV cache ("device", L1) and host memory (L2), while steps
 * are computed. All methods are called by the engine's thread alone; the copies themselves are made
 * by another one.
 *
 * <p>A copy may only begin when its source is whole, and its source and target must stay as they
 * are until it has ended: the caller sees to that with {@link #finish}. What has ended comes back
 * as messages ({@link #settled}), so no book has a lock.
 *
 * <p>Loads go before stores: a step waits for a load, and no step waits for a store. Of loads that
 * were asked for together, all pages of stream 0 come first, then those of stream 1: in this order
 * a forward pass reads them.
 */
public interface Mover extends AutoCloseable {
  /**
   * Begins to load parts, all of them for one step. Rows of the stream with one row a page are
   * there when this returns: a drafter reads them before the step.
   *
   * @param copies from host slots into pages, at least one
   * @return tells which streams are there. If a copy fails, the thread that waits makes the rest
   *     itself; if that fails too, its wait ends with that error
   */
  Arrival load(List<Copy> copies);

  /**
   * Begins to store a part.
   *
   * @param copy from pages into a host slot
   * @return false, and nothing happens, if too many copies wait already
   */
  boolean store(Copy copy);

  /**
   * Ends a store at once: what is left of it is copied on the calling thread. All of it is, if
   * {@link #store} did not take it.
   *
   * @return whether the target has the whole part
   */
  boolean finish(Copy copy);

  /** Ends a store: it never begins, or this waits for the piece that is being copied. */
  void cancel(Copy copy);

  /** Hands over each copy that has ended since the last call, done, failed or cancelled. */
  void settled(Consumer<Copy> each);

  /** Waits for what has begun, drops what has not, and ends the mover's thread. */
  @Override
  void close();
}
