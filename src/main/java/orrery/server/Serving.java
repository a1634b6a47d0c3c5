package orrery.server;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.openai.Fields;
import orrery.sampling.RandomSeed;

/**
 * What the handlers of an API serve: one model, by one engine. Another engine may take the place of
 * the first while the server runs, so a handler asks for it at each call.
 */
public final class Serving implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(5); // a router sends both halves at once

  private final LoadedModel loaded;
  private final String name;
  private final boolean cacheReport;
  private final Optional<Duration> deadline;
  private final RandomSeed random;
  private final Role role;
  private final AtomicLong asked = new AtomicLong(); // requests so far
  private final CompletableFuture<Throwable> broken = new CompletableFuture<>();
  private volatile Running running; // null while another engine starts
  private boolean ending; // no further engine starts; guarded by this

  /**
   * @param number of the engine in this server, from 0
   */
  private record Running(int number, Engine engine) {}

  /**
   * @param engine that answers
   * @param loaded the engine's model
   * @param name of the model, as clients are told
   * @param cacheReport whether answers say how many prompt tokens came from the prefix cache
   * @param deadline after which an unfinished answer is cut off
   * @param random with a request's number, the seed of a request that has none
   */
  public Serving(
      Engine engine,
      LoadedModel loaded,
      String name,
      boolean cacheReport,
      Optional<Duration> deadline,
      RandomSeed random) {
    this(engine, loaded, name, cacheReport, deadline, random, new Role.Whole());
  }

  /**
   * @param role what the engine does of each request; unless it does all, no other engine may take
   *     its place
   */
  public Serving(
      Engine engine,
      LoadedModel loaded,
      String name,
      boolean cacheReport,
      Optional<Duration> deadline,
      RandomSeed random,
      Role role) {
    this.role = role;
    this.random = random;
    this.loaded = loaded;
    this.name = name;
    this.cacheReport = cacheReport;
    this.deadline = deadline;
    run(new Running(0, engine));
  }

  /** The model under the name of its directory, without a deadline. */
  public static Serving of(Engine engine, LoadedModel loaded) {
    String name = loaded.directory().toAbsolutePath().normalize().getFileName().toString();
    return new Serving(engine, loaded, name, false, Optional.empty(), RandomSeed.NONE);
  }

  private void run(Running next) {
    running = next;
    next.engine().ended().exceptionally(bug -> stopped(bug.getCause()));
  }

  private Void stopped(Throwable bug) {
    broken.complete(bug);
    return null;
  }

  private Running running() {
    Running now = running;
    if (now == null) {
      throw HttpException.unavailable("the engine is being restarted; try again later");
    }
    return now;
  }

  /**
   * The engine that answers now.
   *
   * @throws HttpException 503 while another one starts
   */
  public Engine engine() {
    return running().engine();
  }

  /**
   * The number of that engine in this server, from 0: what was made for another number is stale.
   *
   * @throws HttpException 503 while another engine starts
   */
  int number() {
    return running().number();
  }

  /** The model, which all engines share. */
  public LoadedModel loaded() {
    return loaded;
  }

  /** The name of the model, as clients are told. */
  public String name() {
    return name;
  }

  /** Whether answers say how many prompt tokens came from the prefix cache. */
  public boolean cacheReport() {
    return cacheReport;
  }

  /** What this server does of each request. */
  public Role role() {
    return role;
  }

  /**
   * Hands requests to the engine, all or none.
   *
   * @param bootstrap the fields that say where the other half of each is
   */
  List<Completion> submit(List<Request> requests, Fields bootstrap) {
    return role.submit(engine(), requests, bootstrap);
  }

  /** After how long an unfinished answer is cut off. */
  public Optional<Duration> deadline() {
    return deadline;
  }

  /**
   * Ends the engine, and lets another one take its place. What runs is cut off: its tokens so far
   * are its answer, and its finish reason is abort. Calls that come meanwhile get 503. Returns when
   * the other engine answers.
   *
   * @param next starts the other engine, after the first has ended: there is room for one
   * @param again starts one as the first was; it is asked if {@code next} throws
   * @throws RuntimeException what {@code next} threw
   * @throws HttpException 503 if the server ends
   */
  public synchronized void restart(Supplier<Engine> next, Supplier<Engine> again) {
    if (ending) {
      throw HttpException.gone("the server is ending; it starts no other engine");
    }
    if (!(role instanceof Role.Whole)) {
      throw HttpException.refused(
          409,
          null,
          "expected a server of whole requests, found one with --disaggregation-mode "
              + role.mode()
              + ": other servers count on its engine. End it, and start it with other flags");
    }
    int number = number() + 1;
    endOne();
    try {
      run(new Running(number, next.get()));
    } catch (RuntimeException | Error refused) {
      startAgain(number, again, refused);
      throw refused;
    }
  }

  /** A method of its own: when it has returned, nothing here holds the engine's memory. */
  private void endOne() {
    Engine old = engine();
    running = null;
    old.shutdownNow();
    old.close();
  }

  private void startAgain(int number, Supplier<Engine> again, Throwable refused) {
    try {
      run(new Running(number, again.get()));
    } catch (RuntimeException | Error bug) { // it ran a moment ago
      refused.addSuppressed(bug);
      broken.complete(refused);
    }
  }

  /** Complete with a bug once one has stopped an engine. */
  public CompletableFuture<Throwable> broken() {
    return broken.copy();
  }

  /**
   * Lets no further engine start, and ends pauses: what is paused could never finish. Nor does a
   * request for which no decode server comes soon.
   */
  public synchronized void end() {
    ending = true;
    if (role instanceof Role.Prefill prefill) {
      prefill.side().end(GRACE);
    }
    if (running != null) {
      running.engine().endPauses();
    }
  }

  /** Cuts off what runs. */
  public synchronized void shutdownNow() {
    ending = true;
    if (running != null) {
      running.engine().shutdownNow();
    }
  }

  /** Closes the engine, which finishes what it has. */
  @Override
  public synchronized void close() {
    ending = true;
    if (role instanceof Role.Prefill prefill) {
      prefill.side().end(Duration.ZERO); // else the engine would wait for decode servers
    }
    if (running != null) {
      running.engine().close();
    }
    if (role instanceof Role.Prefill prefill) {
      prefill.side().close();
    }
  }

  /**
   * Refuses a call while the engine's queue is full. A handler that will submit a request asks this
   * first, before it reads the body: so a crowd costs no memory.
   *
   * @throws HttpException 503 with {@code Retry-After}
   */
  public void requireRoom() {
    Engine now = engine();
    int most = now.options().batching().maxQueuedRequests();
    if (now.waiting() >= most) {
      throw HttpException.unavailable(
          "the queue is full: " + most + " requests wait; try again later");
    }
  }

  /**
   * The request as the engine gets it: the caller's tenant is in its salt, so that tenants share no
   * prefix, it has the server's deadline, and a seed.
   */
  public Request of(Call call, Request request) {
    // a tenant has no colon, so no salt of one tenant is a salt of another
    Request own = request.withSalt(call.tenant() + ":" + request.salt());
    Request drawn = seeded(own);
    return deadline.map(drawn::withDeadline).orElse(drawn);
  }

  /**
   * Without a random seed the engine takes the request's number itself. A request that draws
   * nothing takes no number of the server's, so probes between requests change no seed. Two servers
   * that do one request together number it differently, so their seed is the request's room.
   */
  private Request seeded(Request request) {
    boolean own = request.params().seed().isPresent();
    boolean draws = !request.params().greedy() || engine().options().speculation().synthetic();
    return own || !draws || random.equals(RandomSeed.NONE) || !(role instanceof Role.Whole)
        ? request
        : request.withSeed(random.of(asked.getAndIncrement()));
  }
}
