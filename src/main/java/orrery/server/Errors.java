package orrery.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import orrery.checkpoint.CheckpointException;
import orrery.engine.RequestException;
import orrery.openai.FieldException;
import orrery.text.TokenizerException;

/** What a client is told when a handler throws, and how OpenAI's clients read it. */
final class Errors {
  static final String BUG = "a bug of the server";

  private static final JsonFactory JSON = new JsonFactory();

  private Errors() {}

  /** The answer to a call whose handler threw something, other than a client that is gone. */
  static HttpException of(Throwable thrown) {
    return switch (thrown) {
      case HttpException e -> e;
      case FieldException e -> HttpException.invalid(e.field(), e.getMessage());
      case RequestException e ->
          switch (e.kind()) {
            case INVALID -> HttpException.invalid(null, e.getMessage());
            case QUEUE_FULL, CLOSED, INTERRUPTED -> HttpException.unavailable(e.getMessage());
            case FAILED -> HttpException.failed(e.getMessage());
          };
      case TokenizerException e -> HttpException.invalid(null, e.getMessage());
      case CheckpointException e -> HttpException.invalid(null, e.getMessage());
      default -> HttpException.failed(BUG); // what was thrown is the operator's to know
    };
  }

  /** Whether the operator must know: a bug of the server, or a failure of it that has a cause. */
  static boolean isBug(Throwable thrown) {
    return !(thrown instanceof HttpException && thrown.getCause() == null
        || thrown instanceof FieldException
        || thrown instanceof RequestException
        || thrown instanceof TokenizerException
        || thrown instanceof CheckpointException);
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
