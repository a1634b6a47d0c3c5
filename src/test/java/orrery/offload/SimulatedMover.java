package orrery.offload;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import orrery.kv.Arrival;
import orrery.kv.KvCache;

/**
 * A mover without a thread and without a clock. Whenever it is called, it first copies some pieces,
 * of whatever copies the seed draws: so every interleaving of a mover's thread with the engine's
 * can happen, and the same seed gives the same one.
 *
 * <p>Some copies fail, and some are never copied before somebody forces them. The contract of
 * {@link Mover} is kept, unless a {@link Fault} is asked for: with each of them a simulation must
 * fail.
 */
public final class SimulatedMover implements Mover {
  /** What a mover, or who uses it, could do wrong. */
  public enum Fault {
    /** None. */
    NONE,
    /** A store that is finished loses the pieces that were left. */
    FINISH_DROPS_PIECES,
    /** A store that is finished goes on later, when its pages may be others'. */
    FINISH_RETURNS_EARLY,
    /** A cancelled store goes on, into a slot that may be another part's. */
    CANCEL_GOES_ON,
    /** A step does not wait. */
    AWAIT_RETURNS_EARLY,
    /** What has ended is not told, now and then. */
    MESSAGE_LOST,
    /** A load that failed lacks the piece. */
    FAILED_PIECE_SKIPPED
  }

  private final Random random;
  private final PageCopier copier;
  private final Fault fault;
  private final int most; // stores that may wait
  private final List<Load> loads = new ArrayList<>(); // in the order in which they were asked for
  private final List<Pieces> stores = new ArrayList<>();
  private final List<Pieces> stuck = new ArrayList<>(); // stores that only move if they are forced
  private final List<Copy> ended = new ArrayList<>();
  private boolean forced; // whether the engine's thread copies
  private int pieces;
  private int failures;
  private int interruptedStores;

  /** A mover between the pages of a cache and the slots of a host pool. */
  public SimulatedMover(KvCache cache, HostPool host, Fault fault, long seed) {
    this.random = new Random(seed);
    this.fault = fault;
    this.most = 1 + random.nextInt(random.nextBoolean() ? 3 : 40);
    int failing = random.nextInt(3) * random.nextInt(8); // in a thousand pieces
    this.copier =
        new PageCopier(cache, host) {
          @Override
          public void copy(Copy copy, int stream) {
            boolean mayFail = copy.way() == Copy.Way.STORE || !forced;
            if (mayFail && random.nextInt(1000) < failing) {
              failures++;
              if (fault == Fault.FAILED_PIECE_SKIPPED) {
                return;
              }
              throw new IllegalStateException("a copy that fails");
            }
            pieces++;
            super.copy(copy, stream);
          }
        };
  }

  /** Copies some pieces, as a thread of the mover would meanwhile. */
  public void meanwhile() {
    for (int n = random.nextInt(4); n > 0; n--) {
      if (!loads.isEmpty() && random.nextInt(3) > 0) {
        Load load = loads.getFirst();
        if (!load.advance()) {
          loads.remove(load);
        }
      } else if (!stores.isEmpty()) {
        Pieces store = stores.get(random.nextInt(stores.size()));
        if (!stuck.contains(store) && !store.advance()) {
          stores.remove(store);
        }
      }
    }
  }

  private void hear(Copy copy) {
    if (fault != Fault.MESSAGE_LOST || random.nextInt(50) > 0) {
      ended.add(copy);
    }
  }

  @Override
  public Arrival load(List<Copy> copies) {
    meanwhile();
    Load load = new Load(copies, copier, () -> 0, this::hear);
    forced = true;
    copier.copyBoundary(load);
    forced = false;
    loads.add(load);
    return stream -> await(load, stream);
  }

  private void await(Load load, int stream) {
    meanwhile();
    if (fault == Fault.AWAIT_RETURNS_EARLY) {
      return;
    }
    while (load.nextStream() <= stream && load.advance()) {
      meanwhile();
    }
    forced = true;
    load.await(stream); // copies what a failure has left; would wait for ever if nothing were left
    forced = false;
  }

  @Override
  public boolean store(Copy copy) {
    meanwhile();
    Pieces store = new Pieces(List.of(copy), copier, () -> 0, this::hear);
    copy.pieces(store);
    if (stores.size() >= most) {
      return false;
    }
    stores.add(store);
    if (random.nextInt(8) == 0) {
      stuck.add(store);
    }
    return true;
  }

  @Override
  public boolean finish(Copy copy) {
    meanwhile();
    Pieces store = copy.ownPieces();
    interruptedStores += copy.state() == Copy.State.COPYING ? 1 : 0;
    if (fault == Fault.FINISH_RETURNS_EARLY && !copy.state().ended()) {
      return true;
    }
    forget(store);
    if (fault == Fault.FINISH_DROPS_PIECES && !copy.state().ended()) {
      copy.end(0, Copy.State.DONE);
      hear(copy);
      return true;
    }
    forced = true;
    store.finish();
    forced = false;
    return copy.state() == Copy.State.DONE;
  }

  private void forget(Pieces store) {
    stores.remove(store);
    stuck.remove(store);
  }

  @Override
  public void cancel(Copy copy) {
    meanwhile();
    if (fault != Fault.CANCEL_GOES_ON) {
      forget(copy.ownPieces());
      copy.ownPieces().cancel();
    }
  }

  @Override
  public void settled(Consumer<Copy> each) {
    meanwhile();
    List<Copy> now = List.copyOf(ended);
    ended.clear();
    now.forEach(each);
  }

  /** Copies all that is left. */
  public void rest() {
    forced = true;
    stores.forEach(Pieces::finish);
    forced = false;
    stores.clear();
    stuck.clear();
  }

  /** Pieces that were copied. */
  public int pieces() {
    return pieces;
  }

  /** Pieces that failed. */
  public int failures() {
    return failures;
  }

  /** Stores that somebody had to finish in their middle. */
  public int interruptedStores() {
    return interruptedStores;
  }

  @Override
  public void close() {
    loads.clear();
    stores.clear();
  }
}
