package orrery.server;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.Request;
import orrery.engine.RequestException;
import orrery.openai.Fields;
import orrery.sglang.GenerateReader;
import orrery.sglang.GenerateRequest;
import orrery.sglang.GenerateResponse;
import orrery.sglang.Progress;

/**
 * SGLang's {@code /generate} over HTTP, with {@code /abort_request}.
 *
 * <p>A stream begins with its first piece. So a request that fails before that is answered with a
 * status.
 */
public final class SglangRoutes {
  private final Serving serving;
  private final ForEngine<GenerateReader> reader;
  private final GenerateResponse bodies;
  private final Rids rids = new Rids();

  public SglangRoutes(Serving serving) {
    this.serving = serving;
    this.reader = new ForEngine<>(serving, e -> new GenerateReader(serving.loaded(), e.longest()));
    this.bodies = new GenerateResponse(serving.loaded().tokenizer());
  }

  /** Adds the routes of this API. */
  public Routes addTo(Routes routes) {
    return routes
        .on("POST", "/generate", this::generate)
        .on("PUT", "/generate", this::generate)
        .post("/abort_request", this::abort);
  }

  private void generate(Call call) throws IOException {
    serving.requireRoom();
    GenerateRequest request = call.body(this::read);
    List<String> rid = request.prompts().stream().map(GenerateRequest.Prompt::rid).toList();
    try (Rids.Names names = rids.reserve(call.tenant(), rid, request.list())) {
      List<Completion> running = submit(call, request);
      names.begin(running);
      answer(call, request, running, names);
    }
  }

  private GenerateRequest read(byte[] bytes) {
    GenerateRequest request = reader.get().read(Fields.parse(bytes));
    boolean half = serving.role() instanceof Role.Decode && !request.stream();
    return half ? request.withoutPromptScores() : request;
  }

  /** Answers; the names are free again before the client can know that it has all. */
  private void answer(
      Call call, GenerateRequest request, List<Completion> running, Rids.Names names)
      throws IOException {
    try {
      call.onClose(() -> running.forEach(Completion::cancel));
      if (request.stream()) {
        new GenerateSender(call, request, bodies, running).send(names::close);
      } else {
        List<Progress> answers = answers(request, running);
        byte[] whole = JsonBytes.of(json -> bodies.answer(json, request, answers));
        names.close();
        call.answer(200, JsonBytes.TYPE, whole);
      }
    } finally {
      running.forEach(Completion::close); // whatever went wrong, no client waits for the rest
    }
  }

  /** Submits the prompts of a body, all or none. */
  private List<Completion> submit(Call call, GenerateRequest request) {
    List<Request> own = request.requests().stream().map(r -> serving.of(call, r)).toList();
    try {
      return serving.submit(own, request.bootstrap());
    } catch (RequestException e) {
      throw e.kind() == RequestException.Kind.INVALID ? GenerateRequest.refused(e.getMessage()) : e;
    }
  }

  /** Waits for the answers to all prompts. */
  private static List<Progress> answers(GenerateRequest request, List<Completion> running) {
    List<Progress> all = new ArrayList<>();
    for (int i = 0; i < running.size(); i++) {
      for (Answer answer : Late.require(running.get(i).join())) {
        all.add(Progress.of(request.prompts().get(i), answer));
      }
    }
    return all;
  }

  /**
   * Aborts the caller's requests of a name, or all; what they have so far is their answer. Without
   * keys all callers are one, so that all requests are the caller's, whatever API they came by.
   */
  private void abort(Call call) throws IOException {
    Fields body = call.body(Fields::parse);
    if (!body.boolOr("abort_all", false)) {
      rids.abort(call.tenant(), body.string("rid"));
    } else if (call.tenant().isEmpty()) {
      serving.engine().cancelAll().join();
    } else {
      rids.abortAll(call.tenant());
    }
    call.answer(200, "text/plain", new byte[0]);
  }
}
