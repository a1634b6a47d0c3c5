package orrery.server;

import java.util.OptionalInt;

/** A call is answered with an error, in OpenAI's shape. */
public final class HttpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final String INVALID = "invalid_request_error";
  private static final String UNAVAILABLE = "service_unavailable_error";
  private static final int SOON = 1; // seconds after which a client may try again

  private final int status;
  private final String type;
  private final String param;
  private final String code;
  private final int retryAfter; // seconds; 0 for none

  /**
   * @param status of HTTP, from 400 to 599
   * @param type OpenAI's error type, such as {@code invalid_request_error}
   * @param param the field that is wrong; null if it is none
   * @param code OpenAI's error code, such as {@code model_not_found}; null if there is none
   */
  public HttpException(int status, String type, String param, String code, String message) {
    this(status, type, param, code, message, 0);
  }

  private HttpException(
      int status, String type, String param, String code, String message, int retryAfter) {
    super(message);
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("status: expected 400 to 599, found " + status);
    }
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** A request that can never be answered: 400, {@code invalid_request_error}. */
  public static HttpException invalid(String param, String message) {
    return refused(400, param, message);
  }

  /** A mistake of the client's, with a status from 400 to 499. */
  public static HttpException refused(int status, String param, String message) {
    return new HttpException(status, INVALID, param, null, message);
  }

  /** A request that may be answered later: 503, with a {@code Retry-After} of one second. */
  public static HttpException unavailable(String message) {
    return new HttpException(503, UNAVAILABLE, null, null, message, SOON);
  }

  /** A request that this server will never answer, but another one may: 503. */
  public static HttpException gone(String message) {
    return new HttpException(503, UNAVAILABLE, null, null, message);
  }

  /** A fault of the server's: 500, {@code server_error}. */
  public static HttpException failed(String message) {
    return new HttpException(500, "server_error", null, null, message);
  }

  public int status() {
    return status;
  }

  public String type() {
    return type;
  }

  public String param() {
    return param;
  }

  public String code() {
    return code;
  }

  /** Seconds after which the client may try again, for {@code Retry-After}. */
  public OptionalInt retryAfter() {
    return retryAfter > 0 ? OptionalInt.of(retryAfter) : OptionalInt.empty();
  }
}
