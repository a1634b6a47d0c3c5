package orrery.server;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import orrery.engine.Completion;

/** Requests under way, by the names that their clients gave them, so that others can abort them. */
final class Rids {
  private final ConcurrentMap<String, Completion> running = new ConcurrentHashMap<>();

  /**
   * Takes the names of requests that begin.
   *
   * @param names one for each request
   * @throws HttpException 400 if a request with one of these names is under way; none is taken then
   */
  void begin(List<String> names, List<Completion> requests) {
    for (int i = 0; i < names.size(); i++) {
      if (running.putIfAbsent(names.get(i), requests.get(i)) != null) {
        end(names.subList(0, i));
        throw HttpException.invalid("rid", "rid: expected a name that no running request has");
      }
    }
  }

  /** Forgets the names of requests that have ended. */
  void end(List<String> names) {
    names.forEach(running::remove);
  }

  /**
   * Cancels the request with this name, or those of a list that was sent with this name; SGLang
   * calls them {@code NAME_0}, {@code NAME_1} and so on. An unknown name does nothing.
   */
  void abort(String name) {
    cancel(running.get(name));
    boolean goesOn = true;
    for (int i = 0; goesOn; i++) {
      goesOn = cancel(running.get(name + "_" + i));
    }
  }

  private static boolean cancel(Completion request) {
    if (request != null) {
      request.cancel();
    }
    return request != null;
  }
}
