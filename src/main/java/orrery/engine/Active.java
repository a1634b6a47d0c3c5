package orrery.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A request inside the engine: its choices, begun and finished. Used on the engine's thread only.
 */
final class Active {
  final Request request;
  final Completion completion;
  final long seed;
  final long submitted; // nanoseconds on the engine's clock
  final long deadline; // nanoseconds on the engine's clock
  final List<Choice> running = new ArrayList<>();
  private final List<Answer> answers = new ArrayList<>();
  boolean forked; // the other choices exist
  boolean queued = true; // it never ran

  Active(Request request, Completion completion, long seed, long submitted) {
    this.request = request;
    this.completion = completion;
    this.seed = seed;
    this.submitted = submitted;
    this.deadline = request.deadline().map(d -> submitted + d.toNanos()).orElse(Long.MAX_VALUE);
    this.forked = request.params().n() == 1;
  }

  /** A choice is done; the last one completes the request. */
  boolean done(Choice choice) {
    running.remove(choice);
    answers.add(choice.answer());
    if (running.isEmpty() && forked) {
      answers.sort(Comparator.comparingInt(Answer::choice));
      completion.finish(List.copyOf(answers));
      return true;
    }
    return false;
  }
}
