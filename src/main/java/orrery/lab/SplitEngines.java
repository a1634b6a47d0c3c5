package orrery.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import orrery.disagg.DecodeSide;
import orrery.disagg.PrefillSide;
import orrery.disagg.TcpNetwork;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * A prefill engine and a decode engine in this process. Between them go the frames of {@code
 * orrery.disagg}, over a socket of this machine. Each request is sent to both, as a router does it.
 */
final class SplitEngines implements LongPrompts.Service {
  private static final String MODEL = "the model of both"; // which is loaded once
  private static final String HOST = "localhost";
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /**
   * What a run tells beside the decode engine's events.
   *
   * @param prefill the events of the prefill engine; requests have the same numbers there
   * @param pages that were sent
   * @param bytes of all payloads that were sent, in both directions
   */
  record Sent(Trace prefill, long pages, long bytes) {}

  private final List<Event> events = new ArrayList<>(); // of the prefill engine, which writes
  private final CountingNetwork network = new CountingNetwork(TcpNetwork.local());
  private final AtomicLong rooms = new AtomicLong();
  private final Engine prefill;
  private final Engine decode;
  private final PrefillSide prefills;
  private final DecodeSide decodes;

  /**
   * @param sink gets the events of the decode engine
   */
  SplitEngines(LoadedModel loaded, EngineOptions prefill, EngineOptions decode, EventSink sink) {
    this.prefill = Engine.start(loaded, prefill, events::add);
    this.decode = Engine.start(loaded, decode, sink);
    try {
      prefills = PrefillSide.start(List.of(this.prefill), MODEL, network, 0, PATIENCE);
    } catch (IOException e) {
      closeEngines();
      throw new UncheckedIOException(e);
    }
    decodes = new DecodeSide(this.decode, MODEL, network, DecodeSide.RESERVED_TOKENS, PATIENCE);
  }

  @Override
  public List<Completion> submit(List<Request> requests) {
    List<Completion> halves = new ArrayList<>();
    for (Request request : requests) {
      long room = rooms.incrementAndGet();
      halves.add(prefills.submit(request, room));
      halves.add(decodes.submit(request, HOST, prefills.port(), room));
    }
    return halves;
  }

  @Override
  public void close() {
    closeEngines();
    prefills.close();
  }

  private void closeEngines() {
    decode.close();
    prefill.close();
  }

  /** What was sent; once this is closed. */
  Sent sent() {
    return new Sent(new Trace(events), network.pages(), network.bytes());
  }

  /**
   * How long requests stay in a queue.
   *
   * @param t events of the engine that has the queue
   * @param from the first request that counts
   * @return milliseconds, the mean of the requests
   */
  static double stay(Trace t, Event.Queue queue, int from) {
    Map<Integer, Long> since = new HashMap<>(); // of the requests that are in the queue
    long nanos = 0;
    int stays = 0;
    for (Event event : t.events()) {
      int request =
          switch (event) {
            case Event.Queued q -> q.request();
            case Event.Finished f -> f.request();
            default -> -1;
          };
      Long entered = since.remove(request);
      if (entered != null) {
        nanos += event.nanos() - entered;
        stays++;
      }
      if (event instanceof Event.Queued q && q.queue() == queue && request >= from) {
        since.put(request, q.nanos());
      }
    }
    if (stays == 0) {
      throw new IllegalArgumentException("expected requests in " + queue + ", found none");
    }
    return nanos / 1e6 / stays;
  }
}
