package orrery.server;

import java.time.Duration;
import java.util.Optional;
import orrery.engine.Engine;
import orrery.engine.LoadedModel;
import orrery.engine.Request;

/**
 * What the handlers of an API serve: one model, by one engine.
 *
 * @param engine that answers
 * @param loaded the engine's model
 * @param name of the model, as clients are told
 * @param cacheReport whether answers say how many prompt tokens came from the prefix cache
 * @param deadline after which an unfinished answer is cut off
 */
public record Serving(
    Engine engine,
    LoadedModel loaded,
    String name,
    boolean cacheReport,
    Optional<Duration> deadline) {
  /** The model under the name of its directory, without a deadline. */
  public static Serving of(Engine engine, LoadedModel loaded) {
    String name = loaded.directory().toAbsolutePath().normalize().getFileName().toString();
    return new Serving(engine, loaded, name, false, Optional.empty());
  }

  /**
   * Refuses a call while the engine's queue is full. A handler that will submit a request asks this
   * first, before it reads the body: so a crowd costs no memory.
   *
   * @throws HttpException 503 with {@code Retry-After}
   */
  public void requireRoom() {
    int most = engine.options().batching().maxQueuedRequests();
    if (engine.waiting() >= most) {
      throw HttpException.unavailable(
          "the queue is full: " + most + " requests wait; try again later");
    }
  }

  /**
   * The request as the engine gets it: the caller's tenant is in its salt, so that tenants share no
   * prefix, and it has the server's deadline.
   */
  public Request of(Call call, Request request) {
    // a tenant has no colon, so no salt of one tenant is a salt of another
    Request own = request.withSalt(call.tenant() + ":" + request.salt());
    return deadline.map(own::withDeadline).orElse(own);
  }
}
