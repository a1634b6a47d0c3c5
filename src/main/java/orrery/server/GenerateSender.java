package orrery.server;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import orrery.engine.Completion;
import orrery.engine.Token;
import orrery.sglang.GenerateRequest;
import orrery.sglang.GenerateResponse;
import orrery.sglang.Progress;

/**
 * Sends one stream with the answers to all prompts of a body as they grow. A piece holds the whole
 * answer so far. So a client that reads slowly gets fewer pieces, never stale ones, and nothing
 * waits for it but itself.
 *
 * <pre>
 *   completion of prompt 0 ── thread ──┐
 *   completion of prompt 1 ── thread ──┼──> answers so far ──> the call's thread ──> pieces
 * </pre>
 */
final class GenerateSender {
  private final Call call;
  private final GenerateRequest request;
  private final GenerateResponse bodies;
  private final List<Completion> running; // by prompt
  private final long begin = System.nanoTime();

  private final List<Progress> answers = new ArrayList<>(); // guarded by this, as what follows
  private final List<Integer> told = new ArrayList<>(); // tokens of each answer's latest piece
  private final Set<Integer> grown = new LinkedHashSet<>(); // answers with a piece to be sent
  private int reading; // threads that read a completion
  private Throwable failed; // the first failure of a prompt; null if none has failed

  /**
   * @param running one for each prompt
   */
  GenerateSender(
      Call call, GenerateRequest request, GenerateResponse bodies, List<Completion> running) {
    this.call = call;
    this.request = request;
    this.bodies = bodies;
    this.running = running;
    this.reading = running.size();
    for (GenerateRequest.Prompt prompt : request.prompts()) {
      for (int i = 0; i < prompt.choices(); i++) {
        answers.add(new Progress(prompt));
        told.add(0);
      }
    }
  }

  /**
   * Sends all pieces, and ends the stream.
   *
   * @param over is run when every request has ended, before the client is told the end
   * @throws orrery.engine.RequestException if the engine fails
   * @throws IOException if the client is gone
   */
  void send(Runnable over) throws IOException {
    for (int i = 0; i < running.size(); i++) {
      int prompt = i;
      Thread.ofVirtual().name("orrery-pieces").start(() -> read(prompt));
    }
    EventStream events = null; // a failure before the first piece is answered with its status
    for (List<byte[]> next = next(); !next.isEmpty(); next = next()) {
      events = events == null ? call.events() : events;
      for (byte[] piece : next) {
        events.send(piece);
      }
    }
    over.run();
    events.done(); // every answer has a last piece
  }

  /** Waits for pieces; none if all answers have ended. */
  private synchronized List<byte[]> next() {
    while (grown.isEmpty() && failed == null && reading > 0) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw HttpException.unavailable("interrupted while an answer was sent");
      }
    }
    OpenAiSender.rethrow(failed);
    List<byte[]> pieces = new ArrayList<>();
    for (int i : grown) {
      pieces.add(JsonBytes.of(json -> bodies.piece(json, request, answers.get(i), i)));
    }
    grown.clear();
    return pieces;
  }

  private void read(int prompt) {
    Throwable problem = null;
    try {
      boolean begun = false;
      List<Token> ends = new ArrayList<>(); // of choices that were ended from outside
      for (Token token : running.get(prompt)) {
        if (token.id() == Token.NONE) {
          ends.add(token); // if the request has failed, the next thing is the failure
        } else {
          begun = true;
          add(prompt, token);
        }
      }
      if (!begun) {
        Late.requireNone(ends);
      }
      ends.forEach(end -> add(prompt, end));
    } catch (Throwable e) { // an error, too, must not leave the call waiting
      problem = e;
    }
    over(problem);
  }

  private synchronized void add(int prompt, Token token) {
    int index = request.index(prompt, token.choice());
    Progress answer = answers.get(index);
    answer.add(token, running.get(prompt), System.nanoTime() - begin);
    int interval = request.prompts().get(prompt).interval();
    if (answer.finish() != null || answer.count() - told.get(index) >= interval) {
      told.set(index, answer.count());
      grown.add(index);
      notifyAll();
    }
  }

  private synchronized void over(Throwable problem) {
    failed = failed == null ? problem : failed;
    reading--;
    notifyAll();
  }
}
