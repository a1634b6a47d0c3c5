package orrery.offload;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;

/** A copier whose pieces wait until the test lets them go, and fail where it says so. */
final class HeldBack extends PageCopier {
  /** A piece that is about to be copied. */
  record Piece(Copy copy, int stream) {}

  private final ConcurrentMap<Integer, Semaphore> held = new ConcurrentHashMap<>(); // by stream
  private volatile Predicate<Piece> fails = piece -> false;
  private volatile Piece latest; // that was begun
  private volatile Thread by; // that began it

  HeldBack(Kept kept) {
    super(kept.cache, kept.host);
  }

  /** From now on pieces of a stream wait. */
  void hold(int stream) {
    held.put(stream, new Semaphore(0));
  }

  void letGo(int stream) {
    held.remove(stream).release(1_000_000);
  }

  void failIf(Predicate<Piece> fails) {
    this.fails = fails;
  }

  Piece latest() {
    return latest;
  }

  /** Whether the piece that was begun last is one of this stream. */
  boolean holds(int stream) {
    return latest != null && latest.stream() == stream;
  }

  Thread by() {
    return by;
  }

  @Override
  public void copy(Copy copy, int stream) {
    by = Thread.currentThread();
    latest = new Piece(copy, stream);
    Semaphore gate = held.get(stream);
    if (gate != null) {
      gate.acquireUninterruptibly();
    }
    if (fails.test(new Piece(copy, stream))) {
      throw new IllegalStateException("a copy that fails");
    }
    super.copy(copy, stream);
  }
}
