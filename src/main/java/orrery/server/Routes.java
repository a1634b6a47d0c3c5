package orrery.server;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which handler answers which method and path.
 *
 * <pre>{@code
 * new Routes()
 *     .get("/health", call -> call.answer(200, "text/plain", new byte[0]))
 *     .get("/v1/models/{id}", call -> model(call.parameter()))
 *     .post("/v1/completions", completions)
 * }</pre>
 *
 * <p>A path that ends in {@code {name}} takes all paths with its beginning and at least one more
 * character, slashes included. A path that is there as it stands goes first.
 */
public final class Routes {
  private final Map<String, Map<String, Handler>> exact = new LinkedHashMap<>(); // path, method
  private final Map<String, Map<String, Handler>> open = new LinkedHashMap<>(); // beginning, method
  private final Set<String> free = new HashSet<>(); // keys of paths that need no key of a caller
  private final Set<String> own = new HashSet<>(); // paths that no page of another site may get
  private final Set<String> last = new HashSet<>(); // paths that are answered until the end

  /** A handler, and what the open end of its path stands for. */
  record Found(Handler handler, String parameter) {}

  /** Answers {@code GET} and {@code HEAD}; the server leaves out the body of the latter. */
  public Routes get(String path, Handler handler) {
    return on("GET", path, handler).on("HEAD", path, handler);
  }

  /**
   * Answers {@code GET} and {@code HEAD} to anyone, even if the server asks for keys: for files
   * that a browser loads before its user can give a key.
   */
  public Routes getFree(String path, Handler handler) {
    free.add(beginning(path));
    return get(path, handler);
  }

  /**
   * Answers {@code GET} and {@code HEAD} also while the server drains: for what tells how the last
   * calls end. The path has no open end.
   */
  public Routes getToTheEnd(String path, Handler handler) {
    last.add(path);
    return get(path, handler);
  }

  /**
   * Answers {@code GET}, not {@code HEAD}, and no page of another site: for calls that change or
   * occupy something although they have no body.
   */
  public Routes getOwn(String path, Handler handler) {
    own.add(path);
    return on("GET", path, handler);
  }

  /** Answers {@code POST}. */
  public Routes post(String path, Handler handler) {
    return on("POST", path, handler);
  }

  /**
   * Answers any method.
   *
   * @throws IllegalArgumentException if the path does not begin with a slash, or has a handler for
   *     this method already
   */
  public Routes on(String method, String path, Handler handler) {
    boolean ends = path.endsWith("}");
    String key = beginning(path);
    if (!key.startsWith("/") || key.indexOf('{') >= 0) {
      throw new IllegalArgumentException(
          "path: expected /… or /…/{name} with one name, at the end, found " + path);
    }
    Map<String, Handler> methods =
        (ends ? open : exact).computeIfAbsent(key, k -> new LinkedHashMap<>());
    if (methods.putIfAbsent(method, handler) != null) {
      throw new IllegalArgumentException(
          "path: expected one handler, found two for " + method + " " + path);
    }
    return this;
  }

  /** The path without a name at its end. */
  private static String beginning(String path) {
    return path.endsWith("}") ? path.substring(0, path.lastIndexOf('{')) : path;
  }

  /** Whether a call of this path needs no key. */
  boolean isFree(String path) {
    if (exact.containsKey(path)) {
      return free.contains(path);
    }
    return openTo(path).filter(free::contains).isPresent();
  }

  /** Whether no page of another site may get this path. */
  boolean isOwn(String path) {
    return own.contains(path);
  }

  /** Whether a call of this path is answered also while the server drains. */
  boolean isToTheEnd(String path) {
    return last.contains(path);
  }

  /** The first beginning, of those with an open end, that a path has. */
  private Optional<String> openTo(String path) {
    return open.keySet().stream()
        .filter(b -> path.startsWith(b) && path.length() > b.length())
        .findFirst();
  }

  /**
   * The handler of a call.
   *
   * @throws HttpException if there is none: 404 for an unknown path, 405 for an unknown method
   */
  Found find(String method, String path) {
    Map<String, Handler> methods = exact.get(path);
    String parameter = "";
    if (methods == null) {
      Optional<String> beginning = openTo(path);
      methods = beginning.map(open::get).orElse(null);
      parameter = beginning.map(b -> path.substring(b.length())).orElse("");
    }
    if (methods == null) {
      throw HttpException.refused(404, null, "path: expected one of this server's, found " + path);
    }
    Handler handler = methods.get(method);
    if (handler == null) {
      throw HttpException.refused(
          405,
          null,
          path + ": expected " + String.join(" or ", methods.keySet()) + ", found " + method);
    }
    return new Found(handler, parameter);
  }

  /** The methods of a path, for the header {@code Allow}; empty for an unknown path. */
  Set<String> methods(String path) {
    return new TreeSet<>(exact.getOrDefault(path, Map.of()).keySet());
  }
}
