package orrery.server;

import java.io.IOException;
import java.util.List;
import java.util.UUID;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.Request;
import orrery.engine.RequestException;
import orrery.openai.Fields;
import orrery.openai.OpenAiRequest;
import orrery.openai.OpenAiResponse;
import orrery.openai.OpenAiStream;
import orrery.openai.ServedModel;
import orrery.openai.ServedReader;
import orrery.text.TokenizerException;

/**
 * OpenAI's API over HTTP: {@code /v1/models}, {@code /v1/completions} and {@code
 * /v1/chat/completions}.
 *
 * <p>A stream begins with its first token. So a request that fails before that is answered with a
 * status, and a router may send it to another server.
 */
public final class OpenAiRoutes {
  private final Serving serving;
  private final ServedModel model;
  private final ServedReader reader;
  private final OpenAiResponse bodies;

  public OpenAiRoutes(Serving serving) {
    this.serving = serving;
    this.model =
        new ServedModel(
            serving.name(), serving.loaded().directory(), now(), serving.engine().longest());
    this.reader = new ServedReader(serving.loaded(), model);
    boolean synthetic = serving.engine().options().speculation().synthetic();
    this.bodies =
        OpenAiResponse.served(serving.loaded().tokenizer(), serving.cacheReport(), synthetic);
  }

  private static long now() {
    return System.currentTimeMillis() / 1000;
  }

  /** Adds the routes of this API. */
  public Routes addTo(Routes routes) {
    return routes
        .get("/v1/models", call -> call.answer(200, JsonBytes.TYPE, JsonBytes.of(model::writeList)))
        .get("/v1/models/{id}", this::model)
        .post("/v1/completions", call -> complete(call, false))
        .post("/v1/chat/completions", call -> complete(call, true));
  }

  private void model(Call call) throws IOException {
    requireKnown(call.parameter());
    call.answer(200, JsonBytes.TYPE, JsonBytes.of(model::write));
  }

  private void requireKnown(String name) {
    if (!model.isCalled(name)) {
      throw new HttpException(
          404,
          "invalid_request_error",
          "model",
          "model_not_found",
          "model: expected " + Fields.shown(model.name()) + ", found " + Fields.shown(name));
    }
  }

  private void complete(Call call, boolean chat) throws IOException {
    serving.requireRoom();
    OpenAiRequest request = call.body(bytes -> read(bytes, chat));
    List<Completion> running = submit(call, request);
    try {
      call.onClose(() -> running.forEach(Completion::cancel));
      String id = UUID.randomUUID().toString().replace("-", "");
      if (request.delivery().stream()) {
        OpenAiStream stream = new OpenAiStream(bodies, id, now(), request);
        new OpenAiSender(call, stream, running).send(request.delivery().usage());
      } else {
        List<List<Answer>> answers = running.stream().map(Completion::join).toList();
        byte[] whole = JsonBytes.of(json -> bodies.answer(json, id, now(), request, answers));
        call.answer(200, JsonBytes.TYPE, whole);
      }
    } catch (TokenizerException e) { // a token of the answer that it cannot name
      throw HttpException.failed(e.getMessage());
    } finally {
      running.forEach(Completion::close); // whatever went wrong, no client waits for the rest
    }
  }

  private OpenAiRequest read(byte[] bytes, boolean chat) {
    Fields body = Fields.parse(bytes);
    requireKnown(body.stringOr("model", model.name()));
    return reader.read(body, chat);
  }

  /** Submits the prompts of a body, all or none. */
  private List<Completion> submit(Call call, OpenAiRequest request) {
    List<Request> own = request.requests().stream().map(r -> serving.of(call, r)).toList();
    try {
      return serving.engine().submit(own);
    } catch (RequestException e) {
      throw e.kind() == RequestException.Kind.INVALID ? request.names().refused(e.getMessage()) : e;
    }
  }
}
