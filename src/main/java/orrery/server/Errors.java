package orrery.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletionException;
import orrery.checkpoint.CheckpointException;
import orrery.engine.RequestException;
import orrery.openai.FieldException;
import orrery.sampling.SamplingException;
import orrery.text.TokenizerException;

/** What a client is told when a handler throws, and how OpenAI's clients read it. */
final class Errors {
  static final String BUG = "a bug of the server";

  private static final JsonFactory JSON = new JsonFactory();

  private Errors() {}

  /** The answer to a call whose handler threw something, other than a client that is gone. */
  static HttpException of(Throwable thrown) {
    return switch (cause(thrown)) {
      case HttpException e -> e;
      case FieldException e -> HttpException.invalid(e.field(), e.getMessage());
      case RequestException e ->
          switch (e.kind()) {
            case INVALID -> HttpException.invalid(null, e.getMessage());
            case QUEUE_FULL, INTERRUPTED -> HttpException.unavailable(e.getMessage());
            case CLOSED -> HttpException.gone(e.getMessage());
            case FAILED -> failed(e);
          };
      case TokenizerException e -> HttpException.invalid(null, e.getMessage());
      case CheckpointException e -> HttpException.invalid(null, e.getMessage());
      default -> HttpException.failed(BUG); // what was thrown is the operator's to know
    };
  }

  /** A request that rules out every token is its client's mistake; else it is the model's. */
  private static HttpException failed(RequestException e) {
    return e.getCause() instanceof SamplingException s && s.ruledOut()
        ? HttpException.invalid(null, s.getMessage())
        : HttpException.failed(e.getMessage());
  }

  /** Whether the operator must know: a bug of the server, or a failure of it that has a cause. */
  static boolean isBug(Throwable thrown) {
    Throwable cause = cause(thrown);
    return !(cause instanceof HttpException && cause.getCause() == null
        || cause instanceof FieldException
        || cause instanceof RequestException
        || cause instanceof TokenizerException
        || cause instanceof CheckpointException);
  }

  /** What a future that was joined failed with. */
  private static Throwable cause(Throwable thrown) {
    return thrown instanceof CompletionException e && e.getCause() != null ? e.getCause() : thrown;
  }

  /** The error as a line of JSON in UTF-8: {@code {"error": {message, type, param, code}}}. */
  static byte[] body(HttpException e) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeObjectFieldStart("error");
      json.writeStringField("message", whole(e.getMessage()));
      json.writeStringField("type", e.type());
      json.writeStringField("param", e.param() == null ? null : whole(e.param()));
      json.writeStringField("code", e.code());
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException never) {
      throw new UncheckedIOException(never); // the stream is in memory
    }
    return out.toByteArray();
  }

  /**
   * The text without halves of surrogate pairs, which a message may quote and UTF-8 cannot tell.
   */
  private static String whole(String text) {
    StringBuilder all = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? '\ufffd' : c)
        .forEach(all::appendCodePoint);
    return all.toString();
  }
}
