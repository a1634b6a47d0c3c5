package orrery.server;

import java.io.IOException;
import java.util.List;
import java.util.UUID;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.LoadedModel;
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
  private final long created = now();
  private final ForEngine<Api> api;

  /** What one engine's context length and drafts decide. */
  private record Api(ServedModel model, ServedReader reader, OpenAiResponse bodies) {}

  public OpenAiRoutes(Serving serving) {
    this.serving = serving;
    this.api = new ForEngine<>(serving, this::api);
  }

  private Api api(Engine engine) {
    LoadedModel loaded = serving.loaded();
    ServedModel model =
        new ServedModel(serving.name(), loaded.directory(), created, engine.longest());
    boolean synthetic = engine.options().speculation().synthetic();
    return new Api(
        model,
        new ServedReader(loaded, model),
        OpenAiResponse.served(loaded.tokenizer(), serving.cacheReport(), synthetic));
  }

  private static long now() {
    return System.currentTimeMillis() / 1000;
  }

  /** Adds the routes of this API. */
  public Routes addTo(Routes routes) {
    return routes
        .get("/v1/models", this::models)
        .get("/v1/models/{id}", this::model)
        .post("/v1/completions", call -> complete(call, false))
        .post("/v1/chat/completions", call -> complete(call, true));
  }

  private void models(Call call) throws IOException {
    call.answer(200, JsonBytes.TYPE, JsonBytes.of(api.get().model()::writeList));
  }

  private void model(Call call) throws IOException {
    ServedModel model = api.get().model();
    requireKnown(model, call.parameter());
    call.answer(200, JsonBytes.TYPE, JsonBytes.of(model::write));
  }

  private static void requireKnown(ServedModel model, String name) {
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
    Api own = api.get();
    OpenAiRequest request = call.body(bytes -> read(own, bytes, chat));
    List<Completion> running = submit(call, request);
    try {
      call.onClose(() -> running.forEach(Completion::cancel));
      String id = UUID.randomUUID().toString().replace("-", "");
      if (request.delivery().stream()) {
        OpenAiStream stream = new OpenAiStream(own.bodies(), id, now(), request);
        new OpenAiSender(call, stream, running).send(request.delivery().usage());
      } else {
        List<List<Answer>> answers = running.stream().map(c -> Late.require(c.join())).toList();
        byte[] whole = JsonBytes.of(json -> own.bodies().answer(json, id, now(), request, answers));
        call.answer(200, JsonBytes.TYPE, whole);
      }
    } catch (TokenizerException e) { // a token of the answer that it cannot name
      throw HttpException.failed(e.getMessage());
    } finally {
      running.forEach(Completion::close); // whatever went wrong, no client waits for the rest
    }
  }

  private static OpenAiRequest read(Api own, byte[] bytes, boolean chat) {
    Fields body = Fields.parse(bytes);
    requireKnown(own.model(), body.stringOr("model", own.model().name()));
    return own.reader().read(body, chat);
  }

  /** Submits the prompts of a body, all or none. */
  private List<Completion> submit(Call call, OpenAiRequest request) {
    List<Request> own = request.requests().stream().map(r -> serving.of(call, r)).toList();
    try {
      return serving.submit(own, request.bootstrap());
    } catch (RequestException e) {
      throw e.kind() == RequestException.Kind.INVALID ? request.names().refused(e.getMessage()) : e;
    }
  }
}
