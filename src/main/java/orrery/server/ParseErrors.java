package orrery.server;

import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;

/** The answer to bytes that are no request of HTTP/1.1, in OpenAI's shape too. */
final class ParseErrors implements Request.Handler {
  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    Object status = request.getAttribute(ErrorHandler.ERROR_STATUS);
    Object message = request.getAttribute(ErrorHandler.ERROR_MESSAGE);
    int code = status instanceof Integer s ? s : response.getStatus();
    boolean clients = code >= 400 && code < 500 || code == 505; // the version is the client's too
    HttpException error =
        clients
            ? HttpException.refused(
                code == 505 ? 400 : code, null, ParseWords.ofRequest(String.valueOf(message)))
            : HttpException.failed(Errors.BUG);
    byte[] body = Errors.body(error);
    response.setStatus(error.status());
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
    response.getHeaders().put(HttpHeader.CONNECTION, "close"); // Jetty closes it without a word
    response.write(true, ByteBuffer.wrap(body), callback);
    return true;
  }
}
