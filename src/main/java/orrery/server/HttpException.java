package orrery.server;

/** A call is answered with an error, in OpenAI's shape. */
public final class HttpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String type;
  private final String param;
  private final String code;

  /**
   * @param status of HTTP, from 400 to 599
   * @param type OpenAI's error type, such as {@code invalid_request_error}
   * @param param the field that is wrong; null if it is none
   * @param code OpenAI's error code, such as {@code model_not_found}; null if there is none
   */
  public HttpException(int status, String type, String param, String code, String message) {
    super(message);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
  }

  /** A request that can never be answered: 400, {@code invalid_request_error}. */
  public static HttpException invalid(String param, String message) {
    return new HttpException(400, "invalid_request_error", param, null, message);
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
}
