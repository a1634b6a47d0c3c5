package orrery.disagg;

import java.time.Duration;
import orrery.engine.Completion;
import orrery.engine.DecodeTicket;
import orrery.engine.Engine;
import orrery.engine.Request;
import orrery.engine.RequestException;

/**
 * Stands before an engine that decodes: asks the prefill side of each request for the rows of its
 * prompt, and lets the engine go on from there.
 *
 * <pre>
 *   submit ──> PREALLOC (waits for pages) ──> TRANSFER ──> WAITING ──> RUNNING ──> answered
 * </pre>
 */
public final class DecodeSide {
  /** SGLang's {@code --num-reserved-decode-tokens}. */
  public static final int RESERVED_TOKENS = 512;

  private final Engine engine;
  private final Fit fit;
  private final Network network;
  private final int reserve;
  private final Duration waiting;

  /**
   * @param model tells this model from all others
   * @param reserve tokens that each request is expected to need soon, at most ({@link
   *     #RESERVED_TOKENS})
   * @param waiting how long rows may take to come, once there are pages for them ({@code
   *     --disaggregation-waiting-timeout})
   * @throws IllegalArgumentException if the engine's pages are larger than a frame may be
   */
  public DecodeSide(Engine engine, String model, Network network, int reserve, Duration waiting) {
    PageFrame.requireRoom(engine);
    this.engine = engine;
    this.fit = Fit.of(engine, model);
    this.network = network;
    this.reserve = reserve;
    this.waiting = waiting;
  }

  /**
   * Takes a request. Its answers are whole, with the first tokens that the prefill side decided. A
   * request without a seed takes its room for it, on both sides.
   *
   * <p>If the prefill side fails before the rows are here, the request fails, and its caller may
   * send it again, with another room. Behind a router that is the router's part.
   *
   * @param host of the prefill side ({@code bootstrap_host})
   * @param port of the prefill side ({@code bootstrap_port})
   * @throws RequestException as {@link Engine#submit(Request)}
   */
  public Completion submit(Request request, String host, int port, long room) {
    DecodeRoom mine = new DecodeRoom(fit, network, host, port, room, waiting);
    DecodeTicket ticket = engine.decode(Rooms.seeded(request, room), mine, reserve);
    Thread.ofVirtual().name("orrery-decode-room").start(() -> mine.run(ticket));
    return ticket.completion();
  }
}
