package orrery.offload;

import java.util.Optional;

/**
 * Something that the disk's thread does for the engine's. The engine's thread makes it and hands it
 * to a {@link DiskQueue}. Until {@link DiskQueue#settled} hands it back, its host slots must stay
 * as they are.
 */
public abstract sealed class DiskJob permits DiskLookup, Prefetch, DiskUse, DiskWrite {
  /** Whose turn it is first: what a request waits for, then what costs least. */
  enum Turn {
    LOOKUP,
    READ,
    USE,
    WRITE
  }

  /** How far a job is. */
  public enum State {
    WAITING,
    RUNNING,
    /** It came to its end; what came of it, the job says. */
    DONE,
    /** Its end was asked for before it was done. */
    CANCELLED,
    /** A bug of ours ended it ({@link #bug}). */
    FAILED;

    /** Whether the disk's thread has no more to do with it. */
    public boolean ended() {
      return this != WAITING && this != RUNNING;
    }
  }

  private volatile State state = State.WAITING;
  private volatile boolean cancelled;
  private volatile Throwable bug;
  private volatile long bytes;
  private volatile long began;
  private volatile long ended;

  /** The jobs among which this one waits in order. */
  abstract Turn turn();

  /** Does the next piece of the job, which is one part. Returns whether there is another one. */
  abstract boolean piece(PartStore store, HostPool host);

  /** Whether all that was asked for has been done. */
  abstract boolean complete();

  public State state() {
    return state;
  }

  /** Bytes of rows that were written to the disk, or read from it. */
  public long bytes() {
    return bytes;
  }

  /** When its first piece began, by {@link System#nanoTime}; 0 if it never did. */
  public long began() {
    return began;
  }

  /** When it ended, by {@link System#nanoTime}; 0 before. */
  public long ended() {
    return ended;
  }

  /** What ended a job that has {@link State#FAILED}. */
  public Optional<Throwable> bug() {
    return Optional.ofNullable(bug);
  }

  /** Counts rows that were moved; only the thread that does the pieces calls it. */
  final void moved(long rows) {
    bytes += rows;
  }

  /** Asks for its end. */
  final void cancel() {
    cancelled = true;
  }

  final void begin() {
    began = System.nanoTime();
    state = State.RUNNING;
  }

  /** Does the next piece, unless the end was asked for; returns whether the job has ended. */
  final boolean step(PartStore store, HostPool host) {
    try {
      if (!cancelled && piece(store, host) && !cancelled) {
        return false;
      }
    } catch (RuntimeException | Error e) {
      bug = e;
    }
    end();
    return true;
  }

  /** Ends the job where it is. */
  final void end() {
    ended = System.nanoTime();
    State reached = complete() || !cancelled ? State.DONE : State.CANCELLED;
    state = bug == null ? reached : State.FAILED;
  }
}
