package orrery.server;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * A client's connection that also notices, while an answer is computed, that the client has closed
 * it. Jetty reads nothing between the end of a request and the end of its answer. So this class
 * asks Jetty's selector in that time, and reads what comes: the end of the stream, or the beginning
 * of a further request. The latter is kept for Jetty.
 *
 * <p>It also closes a connection whose client takes too long to send the headers of a request. Only
 * the client's time counts: if the machine is so busy that the server reads late, the client must
 * not lose its answer.
 */
final class WatchedEndPoint extends SocketChannelEndPoint {
  /** Most bytes of further requests that are kept; a client that sends more is not watched. */
  private static final int EARLY_BYTES = 4096;

  /** After the time for headers: how long the selector may take to notice the last of them. */
  private static final long GRACE_MILLIS = 200;

  private static final Throwable ENDED = new IOException("the watch has ended");

  private final Duration sendTime;
  private final AtomicInteger connections; // open ones
  private final int maxConnections;
  private boolean opened; // whether it is counted; guarded by this, as what follows
  private boolean spare;
  private Scheduler.Task late; // closes the connection if headers do not come; null while none do
  private int lateNumber; // of the newest task in `late`: an older one may run although cancelled
  private boolean warned; // whether the time for headers is over, and the grace has begun
  private boolean calling; // whether headers have come and their answer is not complete
  private Watch watch; // null without a watch
  private ByteBuffer early = BufferUtil.EMPTY_BUFFER; // read by a watch, not yet by Jetty

  /**
   * @param sendTime how long headers may take, from their first byte
   * @param connections counts this one while it is open
   * @param maxConnections more are spare: no call is answered on them
   */
  WatchedEndPoint(
      SocketChannel channel,
      ManagedSelector selector,
      SelectionKey key,
      Scheduler scheduler,
      Duration sendTime,
      AtomicInteger connections,
      int maxConnections) {
    super(channel, selector, key, scheduler);
    this.sendTime = sendTime;
    this.connections = connections;
    this.maxConnections = maxConnections;
  }

  /** Whether the connection is one too many. */
  synchronized boolean spare() {
    return spare;
  }

  /** Takes note that the headers of a request have come. */
  synchronized void begin() {
    calling = true;
    cancelLate();
  }

  /** Takes note that the answer is complete but for its end, and ends a watch. */
  void end() {
    boolean watched;
    synchronized (this) {
      calling = false;
      watched = watch != null;
      watch = null;
    }
    if (watched) {
      getFillInterest().onFail(ENDED); // Jetty may be interested again from now on
    }
  }

  /**
   * Watches for the client's leaving until {@link #end}. The body of the request must have been
   * read.
   *
   * @param gone is run at most once, if the connection ends before that, whichever side ends it
   */
  void watch(Runnable gone) {
    Watch begun = new Watch(gone);
    synchronized (this) {
      watch = begun;
    }
    begun.goOn();
  }

  private final class Watch implements Callback {
    private final Runnable gone;

    Watch(Runnable gone) {
      this.gone = gone;
    }

    /**
     * Waits for something to read, unless the watch has ended. Both are one step: a watch that asks
     * after its end would take what Jetty waits for.
     */
    void goOn() {
      boolean asked;
      synchronized (WatchedEndPoint.this) {
        if (watch != this) {
          return;
        }
        asked = tryFillInterested(this) && isOpen(); // a closed connection would tell nothing
      }
      if (!asked) {
        leave();
      }
    }

    @Override
    public InvocationType getInvocationType() {
      return InvocationType.NON_BLOCKING;
    }

    /** Something can be read. */
    @Override
    public void succeeded() {
      int read = -1;
      synchronized (WatchedEndPoint.this) {
        if (watch != this) {
          return;
        }
        if (early.capacity() == 0) {
          early = BufferUtil.allocate(EARLY_BYTES);
        }
        try {
          read = WatchedEndPoint.super.fill(early);
        } catch (IOException reset) {
          // as good as an end of the stream
        }
      }
      if (read < 0) {
        leave();
      } else if (BufferUtil.space(early) > 0) {
        goOn();
      }
    }

    /** The watch has ended, or the connection was closed by this side. */
    @Override
    public void failed(Throwable why) {
      leave();
    }

    private void leave() {
      synchronized (WatchedEndPoint.this) {
        if (watch != this) {
          return;
        }
        watch = null;
      }
      gone.run();
      close();
    }
  }

  @Override
  public int fill(ByteBuffer buffer) throws IOException {
    synchronized (this) {
      int kept = BufferUtil.append(buffer, early);
      int filled = kept > 0 ? kept : super.fill(buffer);
      if (!early.hasRemaining()) {
        early = BufferUtil.EMPTY_BUFFER;
      }
      if (filled > 0 && !calling && late == null) {
        warned = false;
        late = endLateIn(sendTime.toMillis());
      }
      return filled;
    }
  }

  @Override
  protected void needsFillInterest() {
    boolean kept;
    synchronized (this) {
      kept = watch == null && early.hasRemaining();
    }
    if (kept) { // the selector would wait for further bytes
      Thread.startVirtualThread(() -> getFillInterest().fillable());
    } else {
      super.needsFillInterest();
    }
  }

  /**
   * The time for headers is over. If Jetty waits for bytes, the client is late. If it does not, it
   * has bytes that it has not worked through, and then the server is late.
   */
  private void endLate(int number) {
    boolean over;
    synchronized (this) {
      if (late == null || number != lateNumber) {
        return; // the headers have come at this very moment, and maybe further ones have begun
      }
      boolean waits = isFillInterested();
      over = waits && warned;
      warned |= waits;
      late = over ? null : endLateIn(GRACE_MILLIS);
    }
    if (over) {
      close();
    }
  }

  private Scheduler.Task endLateIn(long millis) {
    int number = ++lateNumber;
    return getScheduler().schedule(() -> endLate(number), millis, TimeUnit.MILLISECONDS);
  }

  private void cancelLate() {
    if (late != null) {
      late.cancel();
      late = null;
    }
  }

  @Override
  public void onOpen() {
    synchronized (this) { // a connection that fails before this is never counted
      opened = true;
      spare = connections.incrementAndGet() > maxConnections;
    }
    super.onOpen();
  }

  @Override
  public void onClose(Throwable cause) {
    boolean counted;
    synchronized (this) {
      cancelLate();
      counted = opened;
      opened = false;
    }
    try {
      super.onClose(cause);
    } finally {
      if (counted) {
        connections.decrementAndGet();
      }
    }
  }
}
