package orrery.server;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.RequestException;
import orrery.engine.Token;
import orrery.openai.OpenAiStream;

/** Sends one stream of chunks with the tokens of all prompts of a body, as they come. */
final class OpenAiSender {
  private final Call call;
  private final OpenAiStream stream; // guarded by this object, as what follows
  private final List<Completion> running;
  private EventStream events; // null before the first token
  private IOException gone; // why nothing can be sent any more; null while the client is there
  private Throwable failed; // the first failure of a prompt; null if none has failed

  /**
   * @param running one for each prompt
   */
  OpenAiSender(Call call, OpenAiStream stream, List<Completion> running) {
    this.call = call;
    this.stream = stream;
    this.running = running;
  }

  /**
   * Sends all tokens, and ends the stream.
   *
   * @param usage whether a chunk with the counts comes last
   * @throws RequestException if the engine fails
   * @throws IOException if the client is gone
   */
  void send(boolean usage) throws IOException {
    if (running.size() == 1) {
      send(0);
    } else {
      sendTogether();
    }
    if (usage) {
      List<List<Answer>> answers = running.stream().map(Completion::join).toList();
      events.send(JsonBytes.of(stream.usage(answers)::write));
    }
    events.done();
  }

  private void send(int prompt) throws IOException {
    Completion completion = running.get(prompt);
    boolean begun = false;
    List<Token> ends =
        new ArrayList<>(); // without a token: of choices that were ended from outside
    for (Token token : completion) {
      if (token.id() == Token.NONE) {
        ends.add(token); // if the request has failed, the next thing is the failure
      } else {
        begun = true;
        send(prompt, token, completion);
      }
    }
    if (!begun) {
      Late.requireNone(ends);
    }
    for (Token end : ends) {
      send(prompt, end, completion);
    }
  }

  private synchronized void send(int prompt, Token token, Completion from) throws IOException {
    if (gone != null || failed != null) {
      return;
    }
    for (OpenAiStream.Chunk chunk : stream.chunks(prompt, token, from.promptLogprobs())) {
      byte[] json = JsonBytes.of(chunk::write);
      events = events == null ? call.events() : events;
      events.send(json);
    }
  }

  /** Lets a virtual thread wait for each prompt's tokens. */
  private void sendTogether() throws IOException {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < running.size(); i++) {
        int prompt = i;
        threads.execute(() -> sendOrBreak(prompt));
      }
    } // all threads have ended here
    if (gone != null) {
      throw gone;
    }
    rethrow(failed);
  }

  /** Throws what another thread has caught; nothing for null. */
  static void rethrow(Throwable caught) {
    switch (caught) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(caught);
    }
  }

  /** Sends the tokens of one prompt; if that fails, the others are not computed any further. */
  private void sendOrBreak(int prompt) {
    try {
      send(prompt);
    } catch (IOException e) {
      breakOff(e, null);
    } catch (Throwable e) { // an error, too, must not leave a prompt without an end
      breakOff(null, e);
    }
  }

  private synchronized void breakOff(IOException left, Throwable problem) {
    if (gone == null && failed == null) {
      gone = left;
      failed = problem;
    }
    running.forEach(Completion::cancel);
  }
}
