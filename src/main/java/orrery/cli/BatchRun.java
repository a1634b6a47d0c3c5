package orrery.cli;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import orrery.cli.BatchLines.Line;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.RequestException;
import orrery.openai.FieldException;
import orrery.openai.Fields;
import orrery.openai.OpenAiRequest;
import orrery.openai.OpenAiResponse.Problem;
import orrery.sampling.RandomSeed;
import orrery.text.TokenizerException;

/**
 * Sends lines through the engine and writes their answers in the order of the lines. A limited
 * number of lines is under way at once; an answer that is ready waits for the answers before it.
 *
 * <pre>
 *   file ──> [ line 8 | line 7 | line 6 ... ] ──> file
 *              submitted at once     the first to be written
 * </pre>
 */
final class BatchRun {
  /**
   * Most lines that are read and not yet answered in the file. It bounds memory, and is far more
   * than run at once.
   */
  static final int WINDOW = 1024;

  private static final long TICK_MILLIS = 50;

  private final Engine engine;
  private final OpenAiRequest.Reader reader;
  private final RandomSeed random;
  private final BatchResponse responses;
  private final BatchOutput out;
  private final BatchPart part;
  private final String model;
  private final BatchTally tally;
  private final Consumer<BatchTally> progress;
  private final Deque<Entry> window = new ArrayDeque<>();
  private final CustomIds ids;

  /**
   * A line under way: answered by {@code completion}, already refused by {@code problem}, or {@code
   * kept} from an earlier run.
   */
  private record Entry(
      int line,
      String customId,
      OpenAiRequest request,
      Completion completion,
      Problem problem,
      BatchPart.Answered kept) {}

  /**
   * @param random with a line's number, the seed of a request without one
   * @param part what an earlier run has left
   * @param ids of the lines before the first
   * @param model the name of the model
   * @param progress is called now and then
   */
  BatchRun(
      Engine engine,
      OpenAiRequest.Reader reader,
      RandomSeed random,
      BatchResponse responses,
      BatchOutput out,
      BatchPart part,
      CustomIds ids,
      String model,
      BatchTally tally,
      Consumer<BatchTally> progress) {
    this.engine = engine;
    this.reader = reader;
    this.random = random;
    this.responses = responses;
    this.out = out;
    this.part = part;
    this.ids = ids;
    this.model = model;
    this.tally = tally;
    this.progress = progress;
  }

  /** Answers every line; if that fails, the answers that are ready by then are kept. */
  void run(BatchLines lines) throws IOException, InterruptedException {
    try {
      answerAll(lines);
    } catch (Throwable e) {
      boolean interrupted = Thread.interrupted(); // or waiting for an answer would fail, too
      try {
        keepAnswered();
      } catch (IOException | RuntimeException again) {
        e.addSuppressed(again); // the same disk, the same engine
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      throw e;
    } finally {
      window.stream()
          .filter(e -> e.completion() != null)
          .forEach(e -> e.completion().cancel()); // closing the engine waits for its requests
    }
  }

  /** Writes all answers that are ready, also those behind one that is not. */
  private void keepAnswered() throws IOException {
    for (Entry e : window) {
      if (ready(e)) {
        String answer;
        try {
          answer = line(e);
        } catch (RequestException gone) {
          continue; // the engine is gone: no answer
        }
        out.write(answer);
        tally.wrote();
      }
    }
    for (BatchPart.Answered answered : part.rest()) {
      out.write(answered.text());
      tally.wrote();
    }
  }

  private void answerAll(BatchLines lines) throws IOException, InterruptedException {
    for (Line line = lines.next(); line != null; line = lines.next()) {
      while (window.size() >= WINDOW) {
        writeFirst();
      }
      window.add(open(line));
      writeReady();
      progress.accept(tally);
    }
    while (!window.isEmpty()) {
      writeFirst();
    }
    part.requireAllTaken();
  }

  private Entry open(Line line) throws IOException, InterruptedException {
    BatchPart.Answered kept = part.take(line, model);
    if (kept != null) {
      kept.noteId(ids);
      return new Entry(line.number(), null, null, null, null, kept);
    }
    String customId = null;
    try {
      if (line.problem() != null) {
        throw line.problem();
      }
      Fields fields = Fields.parse(line.text());
      customId = customId(fields);
      requireNew(customId, line.number());
      OpenAiRequest request = read(fields, line.number());
      return new Entry(line.number(), customId, request, submit(request), null, null);
    } catch (FieldException e) {
      String named = "line " + line.number() + ": " + e.getMessage();
      return new Entry(
          line.number(), customId, null, null, Problem.invalid(e.field(), named), null);
    }
  }

  /**
   * The custom id of a line.
   *
   * @throws FieldException if the line has none
   */
  static String customId(Fields fields) {
    String id = fields.string("custom_id");
    if (!id.codePoints()
        .allMatch(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)) {
      fields.fail("custom_id", "whole Unicode characters");
    }
    return id;
  }

  /** A client finds an answer by its id: OpenAI's batch API wants a different id for each line. */
  private void requireNew(String id, int line) {
    int before = ids.add(id, line);
    if (before > 0) {
      String found = Fields.shown(id) + ", which line " + before + " has";
      throw new FieldException("custom_id", "an id that no other line has", found);
    }
  }

  private OpenAiRequest read(Fields fields, int line) {
    if (!fields.string("method").equals("POST")) {
      fields.fail("method", "\"POST\"");
    }
    boolean chat =
        switch (fields.string("url")) {
          case "/v1/completions" -> false;
          case "/v1/chat/completions" -> true;
          default -> fields.fail("url", "\"/v1/completions\" or \"/v1/chat/completions\"");
        };
    Fields body = fields.object("body");
    fields.requireNothingElse();
    OpenAiRequest request = reader.read(body, chat, random.of(line));
    for (String flag : chat ? new String[] {"stream"} : new String[] {"stream", "echo"}) {
      if (body.boolOr(flag, false)) {
        body.fail(flag, "false: a batch has whole answers, without their prompts");
      }
    }
    body.requireNothingElse();
    return request;
  }

  /** Submits a request; waits while the engine's queue is full. */
  private Completion submit(OpenAiRequest request) throws IOException, InterruptedException {
    while (true) {
      try {
        return engine.submit(request.request());
      } catch (RequestException e) {
        if (e.kind() == RequestException.Kind.INVALID) {
          throw request.names().refused(e.getMessage());
        }
        if (e.kind() != RequestException.Kind.QUEUE_FULL) {
          throw e;
        }
        writeReady();
        progress.accept(tally);
        TimeUnit.MILLISECONDS.sleep(1);
      }
    }
  }

  private void writeReady() throws IOException, InterruptedException {
    while (!window.isEmpty() && ready(window.getFirst())) {
      writeFirst();
    }
  }

  private static boolean ready(Entry e) {
    return e.completion() == null || e.completion().isDone();
  }

  /** Waits for the first line's answer and writes it. */
  private void writeFirst() throws IOException, InterruptedException {
    if (Thread.interrupted()) { // a thread that need not wait would not notice
      throw new InterruptedException();
    }
    Entry first = window.getFirst();
    while (!ready(first)) {
      if (!first.completion().await(TICK_MILLIS, TimeUnit.MILLISECONDS)) {
        progress.accept(tally);
      }
    }
    String answer = line(first);
    window.removeFirst();
    out.write(answer);
    tally.wrote();
  }

  private String line(Entry e) {
    if (e.kept() != null) {
      tally.kept(e.kept().failed());
      return e.kept().text();
    }
    if (e.problem() != null) {
      tally.failed(e.problem().message());
      return responses.refusal(e.line(), e.customId(), e.problem());
    }
    try {
      var answers = e.completion().join();
      String line = responses.answer(e.line(), e.customId(), e.request(), answers);
      tally.answered(answers);
      return line;
    } catch (RequestException failure) {
      if (failure.kind() != RequestException.Kind.FAILED) {
        throw failure; // the engine is gone: no line would fare better
      }
      return failed(e, failure);
    } catch (TokenizerException failure) { // a token that it cannot name
      return failed(e, failure);
    }
  }

  private String failed(Entry e, RuntimeException failure) {
    String message = "line " + e.line() + ": " + failure.getMessage();
    tally.failed(message);
    return responses.refusal(
        e.line(), e.customId(), new Problem(500, "server_error", null, message));
  }
}
