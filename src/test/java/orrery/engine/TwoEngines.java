package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import orrery.disagg.DecodeSide;
import orrery.disagg.Network;
import orrery.disagg.PrefillSide;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * A prefill engine and a decode engine, and both halves of each request. When it is closed, it
 * requires that all pages of both have come back and that their books agreed with their events.
 */
final class TwoEngines implements AutoCloseable {
  static final String MODEL = "the model of this test";
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final int KEYFRAMES = 8; // steps from one to the next

  /** An engine with what its events say. */
  static final class Side {
    final FoldedBooks books = new FoldedBooks();
    final Map<Event.Queue, AtomicInteger> queues = new ConcurrentHashMap<>();
    final AtomicInteger hits = new AtomicInteger(); // admissions with a hit
    final AtomicInteger retractions = new AtomicInteger();
    final AtomicInteger forks = new AtomicInteger();
    final AtomicInteger accepted = new AtomicInteger(); // drafts
    private volatile List<Event.PoolPages> pools = List.of();
    final Engine engine;

    Side(LoadedModel loaded, EngineOptions options, EventSink also) {
      this(loaded, options, also, KEYFRAMES);
    }

    /**
     * @param keyframes steps from one to the next
     */
    Side(LoadedModel loaded, EngineOptions options, EventSink also, int keyframes) {
      Drafters drafters = Drafters.of(options.speculation(), loaded.model().vocab());
      EventSink sink = books.and(this::see).and(also);
      engine = Engine.start(loaded, options, sink, drafters, keyframes);
    }

    private void see(Event event) {
      switch (event) {
        case Event.Queued e ->
            queues.computeIfAbsent(e.queue(), _ -> new AtomicInteger()).incrementAndGet();
        case Event.Admitted e -> hits.addAndGet(e.hit() > 0 ? 1 : 0);
        case Event.Retracted e -> retractions.incrementAndGet();
        case Event.Forked e -> forks.incrementAndGet();
        case Event.Verified e -> accepted.addAndGet(e.accepted());
        case Event.Idle e -> pools = e.pools();
        default -> {}
      }
    }

    /** Ends the engine, and requires that no sequence has kept a page. */
    void close(String what) {
      engine.close();
      assertThat(books.difference()).as(what).isEmpty();
      assertThat(pools).as(what).isNotEmpty().allMatch(p -> p.referenced() == 0);
    }
  }

  /** Both halves of a request. */
  record Halves(Completion prefill, Completion decode) {}

  final Side prefill;
  final Side decode;
  private final PrefillSide prefills;
  private final DecodeSide decodes;
  private final AtomicInteger rooms = new AtomicInteger();

  TwoEngines(
      LoadedModel loaded,
      EngineOptions prefillOptions,
      EngineOptions decodeOptions,
      Network network,
      int reserve) {
    this(
        new Side(loaded, prefillOptions, EventSink.NONE),
        new Side(loaded, decodeOptions, EventSink.NONE),
        network,
        reserve,
        LONG);
  }

  TwoEngines(Side prefill, Side decode, Network network, int reserve, Duration patience) {
    this.prefill = prefill;
    this.decode = decode;
    try {
      prefills = PrefillSide.start(List.of(prefill.engine), MODEL, network, 0, patience);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    decodes = new DecodeSide(decode.engine, MODEL, network, reserve, patience);
  }

  /** Sends a request to both, as a router does. */
  Halves submit(Request request) {
    long room = 1L << 40 | rooms.incrementAndGet();
    Completion prefill = prefills.submit(request, room);
    try {
      Completion decode = decodes.submit(request, "localhost", prefills.port(), room);
      return new Halves(prefill, decode);
    } catch (RequestException e) {
      prefill.cancel(); // as a router's caller goes away when it sees the error
      throw e;
    }
  }

  List<Halves> submit(List<Request> requests) {
    return requests.stream().map(this::submit).toList();
  }

  @Override
  public void close() {
    close("");
  }

  void close(String what) {
    decode.close(what + ": decode");
    prefill.close(what + ": prefill");
    prefills.close();
    assertThat(prefills.rooms()).as(what).isZero();
  }
}
