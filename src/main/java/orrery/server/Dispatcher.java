package orrery.server;

import java.io.IOException;
import java.util.function.BiConsumer;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Gives each call a virtual thread, and finds its handler. Whatever the handler throws becomes an
 * answer here.
 */
final class Dispatcher extends Handler.Abstract.NonBlocking {
  private static final String HEALTH = "/health"; // needs no key

  private final ServerOptions options;
  private final Keys keys;
  private final Origins origins;
  private final Gate gate;
  private final BiConsumer<String, Throwable> bugs;

  /**
   * @param gate lets calls in, and counts them
   * @param bugs gets each call that has found a bug of the server, and what was thrown
   */
  Dispatcher(ServerOptions options, Gate gate, BiConsumer<String, Throwable> bugs) {
    this.options = options;
    this.keys = new Keys(options.apiKeys());
    this.origins = new Origins(options);
    this.gate = gate;
    this.bugs = bugs;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    request.addIdleTimeoutListener(timeout -> false); // a long computation is no idleness
    Exchange call = new Exchange(request, response, callback, options);
    Thread.ofVirtual().name("orrery-call").start(() -> answer(call));
    return true;
  }

  private void answer(Exchange call) {
    try {
      call.requirePlace();
      Routes routes = gate.enter(call.path());
      try {
        handle(routes, call);
      } finally {
        gate.leave();
      }
    } catch (HttpException refused) {
      refuse(call, refused);
    } catch (Throwable bug) {
      call.fail(bug); // first: its connection must not stay open for ever
      bugs.accept(call.name(), bug);
    }
  }

  private void handle(Routes routes, Exchange call) {
    try {
      String path = call.path();
      String origin = call.header("Origin").orElse("");
      origins.require(call.header("Host").orElse(""), origin);
      if (routes.isOwn(path)) {
        origins.requireOwn(origin, call.header("Sec-Fetch-Site").orElse(""));
      }
      boolean free = path.equals(HEALTH) || routes.isFree(path);
      String tenant = free ? "" : keys.tenant(call.header("Authorization").orElse(""));
      Routes.Found found = find(routes, call, path);
      call.known(tenant, found.parameter());
      found.handler().handle(call);
      if (!call.ended()) {
        throw new IllegalStateException("a handler left its call without an end");
      }
    } catch (IOException gone) {
      call.fail(gone);
    } catch (Throwable thrown) { // an error, too, must not leave the client without an answer
      if (Errors.isBug(thrown)) {
        bugs.accept(call.name(), thrown);
      }
      refuse(call, Errors.of(thrown));
    }
  }

  private static Routes.Found find(Routes routes, Exchange call, String path) {
    try {
      return routes.find(call.method(), path);
    } catch (HttpException e) {
      if (e.status() == 405) {
        call.header("Allow", String.join(", ", routes.methods(path)));
      }
      throw e;
    }
  }

  private static void refuse(Exchange call, HttpException e) {
    try {
      call.refuse(e);
    } catch (IOException gone) {
      call.fail(gone);
    }
  }
}
