package orrery.engine;

/** One request failed or was refused; no other request is affected. */
public final class RequestException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What kind of failure. */
  public enum Kind {
    /** The request asks for something impossible. */
    INVALID,
    /** Too many requests wait already; try again later. */
    QUEUE_FULL,
    /** The engine is closed, stopped by a bug, or about to end. */
    CLOSED,
    /** The thread that waited for the request was interrupted; the request was cancelled. */
    INTERRUPTED,
    /** Computing or sampling failed. */
    FAILED
  }

  private final Kind kind;

  RequestException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  RequestException(Kind kind, String message) {
    this(kind, message, null);
  }

  /** A request that asks for something impossible, as another layer than the engine finds out. */
  public static RequestException invalid(String message) {
    return new RequestException(Kind.INVALID, message);
  }

  /** The kind of failure. */
  public Kind kind() {
    return kind;
  }
}
