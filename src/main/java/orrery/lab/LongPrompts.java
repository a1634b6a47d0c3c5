package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import orrery.engine.Completion;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * Answers that go on while long prompts come, one after another.
 *
 * <pre>
 *   answers    [prompt] t t t t t t t t t t t t t t t t t t t t t t t t
 *   prompts                   [long prompt ····· t][long prompt ····· t]
 *                             └ every answer has a few tokens
 * </pre>
 *
 * <p>A prompt is sent from the thread that tells the tokens, when the one before has its first
 * token. So a slow engine gets no more of them at once than a fast one.
 */
final class LongPrompts {
  private static final int TOKENS = 4; // of each answer, before the first long prompt comes

  /** Where requests go. */
  interface Service extends AutoCloseable {
    /**
     * Takes requests.
     *
     * @return what must have ended before this is closed
     */
    List<Completion> submit(List<Request> requests);

    @Override
    void close();
  }

  private final List<Event> events = new ArrayList<>(); // one thread tells, we read at the end
  private final List<CompletableFuture<List<Completion>>> completions = new ArrayList<>();
  private final List<Job> answers;
  private final List<Job> prompts;
  private final Service service;
  private int missing; // answers with fewer tokens than TOKENS; the thread that tells counts
  private int next; // prompt

  private LongPrompts(Function<EventSink, Service> start, List<Job> answers, List<Job> prompts) {
    this.answers = answers;
    this.prompts = prompts;
    this.missing = answers.size();
    for (int i = 0; i <= prompts.size(); i++) { // the answers, then each prompt
      completions.add(new CompletableFuture<>());
    }
    this.service = start.apply(this::accept);
  }

  /**
   * Runs until all have ended. The answers are requests 0, 1, …, and the prompts follow.
   *
   * @param start starts a service of its own, which tells its tokens to the sink
   */
  static Trace run(Function<EventSink, Service> start, List<Job> answers, List<Job> prompts) {
    LongPrompts run = new LongPrompts(start, answers, prompts);
    try (run.service) {
      run.submit(0, answers);
      for (CompletableFuture<List<Completion>> sent : run.completions) {
        sent.join().forEach(Completion::join);
      }
    }
    return new Trace(run.events);
  }

  private void accept(Event event) {
    events.add(event);
    if (event instanceof Event.TokenOut t && arrives(t) && next < prompts.size()) {
      Job prompt = prompts.get(next);
      next++;
      submit(next, List.of(prompt));
    }
  }

  /** Whether the next prompt comes with this token. */
  private boolean arrives(Event.TokenOut t) {
    if (t.request() >= answers.size()) {
      return t.index() == 0;
    }
    return t.index() + 1 == TOKENS && --missing == 0;
  }

  private void submit(int place, List<Job> jobs) {
    List<Request> requests = jobs.stream().map(j -> Request.of(j.prompt(), j.params())).toList();
    completions.get(place).complete(service.submit(requests));
  }
}
