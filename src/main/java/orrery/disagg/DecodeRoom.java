package orrery.disagg;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.BitSet;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import orrery.disagg.Frame.Type;
import orrery.disagg.PrefilledCodec.First;
import orrery.engine.DecodeTicket;
import orrery.engine.KvPages;
import orrery.engine.KvReceiver;
import orrery.engine.Prefilled;

/**
 * One request of a decode side, with its connection to the prefill side. One thread does all of it:
 * it alone writes pages.
 */
final class DecodeRoom implements KvReceiver {
  private static final int PAGE_HEADER = 8; // bytes: pool and index

  private final Fit fit;
  private final Network network;
  private final String host;
  private final int port;
  private final long room;
  private final Duration waiting;
  private final CompletableFuture<DecodeTicket> ticket = new CompletableFuture<>();
  private final CompletableFuture<Optional<KvPages>> reserved = new CompletableFuture<>();

  // Guarded by this.
  private Transfer call; // null before pages are filled
  private String ended; // why the request has ended; null before

  DecodeRoom(Fit fit, Network network, String host, int port, long room, Duration waiting) {
    this.fit = fit;
    this.network = network;
    this.host = host;
    this.port = port;
    this.room = room;
    this.waiting = waiting;
  }

  @Override
  public void reserved(KvPages pages) {
    reserved.complete(Optional.of(pages));
  }

  @Override
  public void ended(String why) {
    end(why);
  }

  /** Ends the request; if pages are being filled, the thread that does it says when it stops. */
  private void end(String why) {
    Transfer filling;
    synchronized (this) {
      ended = ended == null ? why : ended;
      filling = call;
    }
    if (filling != null) {
      filling.close();
    } else {
      reserved.complete(Optional.empty()); // unless there are pages
      ticket.thenAccept(mine -> mine.failed(why));
    }
  }

  /** Whether pages may be filled: not if the request has ended. */
  private synchronized boolean begin(Transfer mine) {
    call = ended == null ? mine : null;
    return call != null;
  }

  private synchronized String ended() {
    return ended;
  }

  /** Brings the rows into the engine. */
  void run(DecodeTicket mine) {
    ticket.complete(mine);
    try (Transfer with = network.connect(host, port)) {
      greet(with);
      Optional<KvPages> pages = reserved.join();
      if (pages.isPresent() && begin(with)) {
        fill(with, pages.get(), mine);
      } else {
        with.send(Frame.text(Type.ABORT, room, ended()));
      }
    } catch (IOException e) {
      mine.failed("the prefill side: " + (ended() == null ? Rooms.why(e) : ended()));
    }
  }

  private void fill(Transfer with, KvPages pages, DecodeTicket mine) throws IOException {
    AtomicBoolean arrived = new AtomicBoolean();
    Rooms.after(
        waiting,
        () -> {
          if (!arrived.get()) {
            end(
                "the rows did not come within "
                    + Rooms.seconds(waiting)
                    + " (disaggregation-waiting-timeout of the decode side)");
          }
        });
    with.send(Frame.ints(Type.RESERVED, room, ranges(pages)));
    Prefilled prefilled = receive(with, pages);
    arrived.set(true);
    with.send(new Frame(Type.DONE, room, ByteBuffer.allocate(0)));
    mine.arrived(prefilled); // last: an answer that ends at once closes the connection
  }

  private void greet(Transfer mine) throws IOException {
    mine.send(Frame.text(Type.HELLO, room, fit.lines()));
    int[] welcome = mine.receive().require(Type.WELCOME).ints(2);
    int size = welcome[0];
    if (size < 1 || welcome[1] != PrefillSide.rank(room, size)) {
      throw new TransferException(
          "expected room %d at rank %d of %d, found it at rank %d"
              .formatted(room, size < 1 ? 0 : PrefillSide.rank(room, size), size, welcome[1]));
    }
  }

  /** [1 + 2 x pools] How many pools, then first and end of each. */
  private static int[] ranges(KvPages pages) {
    int[] ranges = new int[1 + 2 * pages.pools()];
    ranges[0] = pages.pools();
    for (int pool = 0; pool < pages.pools(); pool++) {
      ranges[1 + 2 * pool] = pages.first(pool);
      ranges[2 + 2 * pool] = pages.end(pool);
    }
    return ranges;
  }

  private Prefilled receive(Transfer mine, KvPages pages) throws IOException {
    BitSet[] got = // [pools] of page indices
        Stream.generate(BitSet::new).limit(pages.pools()).toArray(BitSet[]::new);
    Frame frame = mine.receive();
    while (frame.type() == Type.PAGE) {
      fill(frame, pages, got);
      frame = mine.receive();
    }
    First first = PrefilledCodec.decode(frame.require(Type.FIRST).payload());
    requireAll(first, pages, got);
    return first.prefilled();
  }

  private static void fill(Frame frame, KvPages pages, BitSet[] got) throws IOException {
    ByteBuffer in = frame.payload();
    int pool = in.remaining() < PAGE_HEADER ? -1 : in.getInt(0);
    int index = pool < 0 ? -1 : in.getInt(4);
    if (pool < 0
        || pool >= pages.pools()
        || index < pages.first(pool)
        || index >= pages.end(pool)
        || got[pool].get(index)
        || in.remaining() != PAGE_HEADER + pages.bytes(pool)) {
      throw new TransferException(
          "PAGE: found page %d of pool %d in %d bytes, which was not asked for, or came before"
              .formatted(index, pool, in.remaining()));
    }
    pages.copyIn(pool, index, MemorySegment.ofArray(in.array()), PAGE_HEADER);
    got[pool].set(index);
  }

  private static void requireAll(First first, KvPages pages, BitSet[] got) throws IOException {
    if (first.prefilled().first().size() != pages.pools()) {
      throw new TransferException(
          "FIRST: expected %d pools, found %d"
              .formatted(pages.pools(), first.prefilled().first().size()));
    }
    int all = 0;
    for (int pool = 0; pool < pages.pools(); pool++) {
      int had = first.prefilled().first().get(pool);
      if (had < 0 || had > pages.end(pool)) {
        throw new TransferException(
            "FIRST: expected a first page of pool %d up to %d, found %d"
                .formatted(pool, pages.end(pool), had));
      }
      int from = Math.max(pages.first(pool), had);
      if (got[pool].nextClearBit(from) < pages.end(pool)) {
        throw new TransferException(
            "FIRST: page %d of pool %d has not come".formatted(got[pool].nextClearBit(from), pool));
      }
      all += got[pool].cardinality();
    }
    if (all != first.pages()) {
      throw new TransferException("FIRST: expected " + first.pages() + " pages, found " + all);
    }
  }
}
