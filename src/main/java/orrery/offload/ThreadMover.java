package orrery.offload;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import orrery.kv.Arrival;

/**
 * A mover with a thread of its own. It copies piece by piece, and looks for loads before each one.
 * So a load waits for one piece of a store at most.
 *
 * <pre>
 *   load(A, B) ──> loads  │ A.0 B.0 A.1 B.1 …│ ─┐ first
 *   store(C)   ──> stores │ C.0 C.1 …        │ ─┴─> copies one piece ──> settled
 * </pre>
 *
 * <p>Like the workers of {@code Team}, the thread spins for a while after its last piece, and then
 * parks.
 */
public final class ThreadMover implements Mover {
  private static final long SPIN_NANOS = 20_000;

  private final PageCopier copier;
  private final LongSupplier clock;
  private final Queue<Load> loads = new ConcurrentLinkedQueue<>(); // a few: those of a step or two
  private final ArrayBlockingQueue<Pieces> stores;
  private final Queue<Copy> ended = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private volatile boolean parked;
  private volatile boolean closed;

  /**
   * Starts the thread.
   *
   * @param mostStores that may wait
   * @param clock nanoseconds, for the times of {@link Copy}
   */
  public ThreadMover(PageCopier copier, int mostStores, LongSupplier clock) {
    this.copier = copier;
    this.clock = clock;
    this.stores = new ArrayBlockingQueue<>(mostStores);
    this.thread = Thread.ofPlatform().daemon().name("orrery-mover").unstarted(this::run);
    thread.start();
  }

  @Override
  public Arrival load(List<Copy> copies) {
    requireOpen();
    Load load = new Load(copies, copier, clock, ended::add);
    copier.copyBoundary(load);
    loads.add(load);
    wake();
    return load;
  }

  @Override
  public boolean store(Copy copy) {
    requireOpen();
    Pieces pieces = new Pieces(List.of(copy), copier, clock, ended::add);
    copy.pieces(pieces);
    boolean taken = stores.offer(pieces);
    wake();
    return taken;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("a closed mover copies nothing");
    }
  }

  @Override
  public boolean finish(Copy copy) {
    Pieces pieces = copy.ownPieces();
    stores.remove(pieces);
    pieces.finish();
    return copy.state() == Copy.State.DONE;
  }

  @Override
  public void cancel(Copy copy) {
    Pieces pieces = copy.ownPieces();
    stores.remove(pieces);
    pieces.cancel();
  }

  @Override
  public void settled(Consumer<Copy> each) {
    for (Copy copy = ended.poll(); copy != null; copy = ended.poll()) {
      each.accept(copy);
    }
  }

  private void run() {
    long idleSince = System.nanoTime();
    while (!closed) {
      if (copyOne()) {
        idleSince = System.nanoTime();
      } else if (System.nanoTime() - idleSince < SPIN_NANOS) {
        Thread.onSpinWait();
      } else {
        park();
      }
    }
  }

  /** Copies one piece, or drops a queue's entry that has none left; false if there is no entry. */
  private boolean copyOne() {
    Load load = loads.peek();
    if (load != null) {
      if (!load.advance()) {
        loads.poll();
      }
      return true;
    }
    Pieces store = stores.peek();
    if (store != null && !store.advance()) {
      stores.remove(store); // the engine's thread may have removed it meanwhile
    }
    return store != null;
  }

  private void park() {
    parked = true;
    while (loads.isEmpty() && stores.isEmpty() && !closed) { // looks again once others see it
      LockSupport.park(this);
    }
    parked = false;
  }

  private void wake() {
    if (parked) {
      LockSupport.unpark(thread);
    }
  }

  @Override
  public void close() {
    closed = true;
    wake();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true; // the memory may be freed after this: wait all the same
      }
    }
    IllegalStateException why = new IllegalStateException("the mover was closed");
    loads.forEach(load -> load.drop(why));
    stores.forEach(Pieces::cancel);
    loads.clear();
    stores.clear();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
