package orrery.offload;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Copies that were asked for together, cut into pieces: one stream of one part each. All pieces of
 * a stream come before those of the next one.
 *
 * <pre>
 *   parts A, B of streams 0, 1, 2:     A.0 B.0 │ A.1 B.1 │ A.2 B.2
 * </pre>
 *
 * <p>A piece is small. So a thread that needs a copy ended or stopped waits for one piece at most,
 * and any thread can go on where another one has stopped. One thread at a time copies.
 */
class Pieces {
  private final PageCopier copier;
  private final LongSupplier clock;
  private final Consumer<Copy> ended;
  private final List<Copy> copies;
  private final Copy[] copy; // [pieces]
  private final int[] stream; // [pieces]
  private int next; // guarded by this; the first piece that is not copied

  /**
   * @param clock nanoseconds
   * @param ended takes each copy when nothing of it will be copied any more, on any thread
   */
  Pieces(List<Copy> copies, PageCopier copier, LongSupplier clock, Consumer<Copy> ended) {
    this.copier = copier;
    this.clock = clock;
    this.ended = ended;
    this.copies = List.copyOf(copies);
    int pieces = copies.stream().mapToInt(c -> copier.streams(c).length).sum();
    copy = new Copy[pieces];
    stream = new int[pieces];
    int at = 0;
    for (int s : copier.order()) {
      for (Copy c : this.copies) {
        if (copier.poolOf(s) == c.part().pool()) {
          copy[at] = c;
          stream[at++] = s;
        }
      }
    }
  }

  /**
   * Copies the next piece.
   *
   * @param taken whether another thread than the mover's does it
   * @return false, and nothing happens, if none is left
   * @throws RuntimeException or an error, if the piece could not be copied; it is then still the
   *     next one
   */
  synchronized boolean copyNext(boolean taken) {
    if (!more()) {
      return false;
    }
    Copy c = copy[next];
    c.begin(clock.getAsLong());
    copier.copy(c, stream[next]);
    next++;
    c.copied(taken);
    if (c.pieces() == copier.streams(c).length) {
      end(c, Copy.State.DONE);
    }
    return true;
  }

  /** Whether a piece is left to be copied. */
  synchronized boolean more() {
    return next < copy.length && !copy[next].state().ended();
  }

  /** The stream of the next piece; {@link Integer#MAX_VALUE} if none is left. */
  synchronized int nextStream() {
    return more() ? stream[next] : Integer.MAX_VALUE;
  }

  /** Nothing is copied any more, because of a failure. */
  synchronized void fail(Throwable why) {
    for (Copy c : copies) {
      if (!c.state().ended()) {
        c.failure(why);
        end(c, Copy.State.FAILED);
      }
    }
  }

  /** Nothing is copied any more. */
  synchronized void cancel() {
    for (Copy c : copies) {
      if (!c.state().ended()) {
        end(c, Copy.State.CANCELLED);
      }
    }
  }

  private void end(Copy c, Copy.State state) {
    c.end(clock.getAsLong(), state);
    ended.accept(c);
  }

  /** Copies what is left, on a thread that needs it now. */
  synchronized void finish() {
    try {
      while (copyNext(true)) {}
    } catch (Throwable t) {
      fail(t);
    }
  }

  /** Copies a piece on the mover's thread. */
  boolean advance() {
    try {
      return copyNext(false);
    } catch (Throwable t) {
      fail(t); // the asking thread reads its state
      return false;
    }
  }

  final LongSupplier clock() {
    return clock;
  }
}
