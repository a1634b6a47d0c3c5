package orrery.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A request inside the engine, with its unfinished choices and its finished answers. Only the
 * engine's thread uses it.
 */
final class Active {
  final Request request;
  final Completion completion;
  final long seed;
  final long submitted; // nanoseconds on the engine's clock
  final long deadline; // nanoseconds on the engine's clock
  final PromptScores scores;
  final Ticket ticket; // null if it begins and ends in this engine
  final List<Choice> running = new ArrayList<>();
  private final List<Answer> answers = new ArrayList<>();
  boolean forked; // all choices of the request exist, not only the first
  boolean queued = true; // until the request first runs or ends

  /**
   * @param ticket null if the request begins and ends in this engine
   */
  Active(Request request, Completion completion, long seed, long submitted, Ticket ticket) {
    this.ticket = ticket;
    this.request = request;
    this.completion = completion;
    this.seed = seed;
    this.submitted = submitted;
    this.deadline = request.deadline().map(d -> submitted + d.toNanos()).orElse(Long.MAX_VALUE);
    this.scores = new PromptScores(request);
    this.forked = request.params().n() == 1;
  }

  /** When it is to be cut off; never if it only waits until its pages are given back. */
  long end() {
    return ticket != null && ticket.cancelled != null ? Long.MAX_VALUE : deadline;
  }

  /** Takes note that the request has ended, in whatever way. */
  void left(String why) {
    if (ticket != null) {
      ticket.home.left(ticket, why);
    }
  }

  /**
   * Takes note that a choice has ended; returns whether it was the last one, which completes the
   * request.
   */
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
