package orrery.disagg;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import orrery.disagg.Frame.Type;
import orrery.engine.KvPages;
import orrery.engine.Prefilled;

/** Sends what was computed for a room, on a thread of its own, which alone reads its pages. */
final class RowSender {
  private final long room;
  private final Consumer<String> stopped;

  // Guarded by this.
  private boolean sending; // a thread reads pages
  private boolean told; // everything but FIRST was sent: no page is read any more

  /**
   * @param stopped is told when no page is read any more: why not all was sent, or null
   */
  RowSender(long room, Consumer<String> stopped) {
    this.room = room;
    this.stopped = stopped;
  }

  synchronized void start(Transfer to, KvPages pages, PageRanges wanted, Prefilled prefilled) {
    sending = true;
    Thread.ofVirtual().name("orrery-kv-sender").start(() -> send(to, pages, wanted, prefilled));
  }

  /** Whether pages are being read. */
  synchronized boolean sending() {
    return sending;
  }

  /** Whether all pages were sent, so that the other side may be done. */
  synchronized boolean told() {
    return told;
  }

  private void send(Transfer to, KvPages pages, PageRanges wanted, Prefilled prefilled) {
    String broken = null;
    try {
      int sent = PageFrame.send(to, room, pages, wanted);
      ByteBuffer first = PrefilledCodec.encode(new PrefilledCodec.First(sent, prefilled));
      synchronized (this) {
        told = true; // before it is: the answer may be here before this thread goes on
      }
      to.send(new Frame(Type.FIRST, room, first));
    } catch (IOException e) {
      broken = "the decode side: " + Rooms.why(e);
    } catch (RuntimeException | Error e) { // a bug: it is reported, and the pages come back
      broken = "the prefill side: " + e;
      throw e;
    } finally {
      synchronized (this) {
        sending = false;
      }
      stopped.accept(broken);
    }
  }
}
