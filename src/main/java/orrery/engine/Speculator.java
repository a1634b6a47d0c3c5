package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.Queues;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.graph.Buffer;
import orrery.speculation.DraftLength;
import orrery.speculation.DraftLength.Round;
import orrery.speculation.Drafter;
import orrery.speculation.Drafter.Judged;
import orrery.speculation.Drafter.Order;

/**
 * Speculation's part in the engine's step: how many drafts each sequence may have, and what the
 * drafter sees.
 */
final class Speculator {
  private final Drafter drafter;
  private final DraftLength length;
  private int wanted; // drafts for each sequence in the step being made

  Speculator(Drafter drafter, DraftLength length) {
    this.drafter = drafter;
    this.length = length;
  }

  Drafter drafter() {
    return drafter;
  }

  /** Tells each running sequence how many drafts the next step could verify for it. */
  void offer(Queues queues, Requests requests) {
    int batch = decoding(queues);
    wanted = batch > 0 ? length.next(batch) : 0;
    for (Sequence s : queues.running()) {
      int most = awaitsNext(s) ? Math.min(wanted, s.longest - s.known() - 1) : 0;
      s.drafts(most > 0 ? drafter.offers(requests.choice(s.id).drafts(), most) : 0);
    }
  }

  /** Whether a sequence has only its newest token to compute, so that drafts can follow it. */
  private static boolean awaitsNext(Sequence s) {
    return s.computed() == s.known() - 1 && s.output() > 0;
  }

  private static int decoding(Queues queues) {
    int n = 0;
    for (Sequence s : queues.running()) {
      n += awaitsNext(s) ? 1 : 0;
    }
    return n;
  }

  /** Makes as many drafts as the plan has room for. */
  void draft(StepPlan plan, Requests requests) {
    List<Order> orders = new ArrayList<>();
    for (StepPlan.Rows rows : plan.rows()) {
      Choice c = requests.choice(rows.id());
      int guesses = rows.count() - (c.sequence.known() - c.sequence.computed());
      if (guesses > 0) {
        orders.add(new Order(c.drafts(), guesses));
      }
    }
    if (!orders.isEmpty()) {
      drafter.draft(orders);
    }
  }

  /** Shows the drafter what became of a step. */
  void follow(List<Segment> segments, Buffer hidden, Queues queues, Requests requests) {
    int batch = 0; // of the next step, if no sequence joins or is retracted
    for (Sequence s : queues.running()) {
      batch += awaitsNext(s) && !requests.choice(s.id).finished() ? 1 : 0;
    }
    boolean soon = batch > 0 && length.next(batch) > 0;
    List<Judged> judged = new ArrayList<>();
    for (Segment p : segments) {
      if (requests.choice(p.choice().sequence.id) != null) {
        p.choice().drafts().keep(0); // accepted or rejected, they are no drafts any more
        Choice c = p.choice();
        boolean shared = !p.decodes() || c.finished(); // later requests may begin with these tokens
        judged.add(new Judged(c.drafts(), p.from(), p.row(), c.finished(), shared));
      }
    }
    drafter.follow(judged, hidden, soon);
  }

  /** How many of a choice's computed tokens may be shared with others. */
  int complete(Choice c) {
    return drafter.complete(c.drafts(), c.sequence.computed());
  }

  /** Lets the draft length learn from a step. */
  void observe(List<Segment> segments, Judge judge, long nanos) {
    int batch = 0;
    boolean prefill = false;
    for (Segment p : segments) {
      batch += p.decodes() ? 1 : 0;
      prefill |= !p.decodes();
    }
    if (batch > 0) {
      length.observe(new Round(batch, wanted, judge.drafted(), judge.accepted(), prefill, nanos));
    }
  }
}
