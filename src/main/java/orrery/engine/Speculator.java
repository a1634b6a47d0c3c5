package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.Queues;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.speculation.DraftLength;
import orrery.speculation.DraftLength.Round;
import orrery.speculation.Drafter;
import orrery.speculation.Drafter.Judged;
import orrery.speculation.Drafter.Order;
import orrery.speculation.NoDrafter;

/**
 * Speculation's part in the engine's step: how many drafts each sequence may have, and what the
 * drafter sees.
 */
final class Speculator {
  private final Drafter drafter;
  private final DraftLength length;

  Speculator(Drafter drafter, DraftLength length) {
    this.drafter = drafter;
    this.length = length;
  }

  Drafter drafter() {
    return drafter;
  }

  /** A warm-up of the drafts of so many sequences. */
  WarmUpDrafts warmUp(int sequences, int vocab, int contextLength) {
    return new WarmUpDrafts(drafter, length, sequences, vocab, contextLength);
  }

  /**
   * Whether it makes drafts. If so, a step cannot be planned before the last one is settled: how
   * many of its drafts are accepted says where the next rows lie, and a drafter begins with tokens
   * that are known.
   */
  boolean drafts() {
    return !(drafter instanceof NoDrafter);
  }

  /** How many slots beyond the computed tokens the drafter needs pages for. */
  int ahead() {
    return drafter.ahead();
  }

  /**
   * Slots beside its window that a sequence may hold pages for: those that the drafter writes
   * ahead, and those of tokens whose rows it has put off.
   */
  int margin() {
    return drafter.ahead() + drafter.behind();
  }

  /**
   * Tells each running sequence how many drafts the next step could verify for it. Returns how many
   * each decoding sequence should have.
   */
  int offer(Queues queues) {
    int batch = decoding(queues);
    int wanted = batch > 0 ? length.next(batch) : 0;
    for (Sequence s : queues.running()) {
      int most = s.decoding() ? Math.min(wanted, s.longest - s.knownSoon() - 1) : 0;
      s.offered(most > 0 ? drafter.offers(s.drafts(), most) : 0);
    }
    return wanted;
  }

  private static int decoding(Queues queues) {
    int n = 0;
    for (Sequence s : queues.running()) {
      n += s.decoding() ? 1 : 0;
    }
    return n;
  }

  /** Makes as many drafts as the plan has room for. */
  void draft(StepPlan plan) {
    List<Order> orders = new ArrayList<>();
    for (StepPlan.Rows rows : plan.rows()) {
      Sequence s = rows.sequence();
      int guesses = rows.count() - (s.knownSoon() - s.computedSoon());
      if (guesses > 0) {
        orders.add(new Order(s.drafts(), guesses));
      }
    }
    if (!orders.isEmpty()) {
      drafter.draft(orders);
    }
  }

  /** Shows the drafter what became of a step. */
  void follow(Launched step, Queues queues) {
    int batch = decoding(queues); // of the next step, if no sequence joins or is retracted
    List<Judged> judged = new ArrayList<>();
    for (Segment segment : step.segments()) {
      if (segment.alive()) {
        Choice c = segment.choice();
        c.drafts().keep(0); // accepted or rejected, they are no drafts any more
        batch -= c.finished() ? 1 : 0;
        // Later requests may begin with these tokens.
        boolean shared = !segment.decodes() || c.finished();
        judged.add(new Judged(c.drafts(), segment.from(), segment.row(), c.finished(), shared));
      }
    }
    boolean soon = batch > 0 && length.next(batch) > 0;
    drafter.follow(judged, step.forward().states(), soon);
  }

  /** How many of a sequence's computed tokens may be shared with others. */
  int complete(Sequence s) {
    return drafter.complete(s.drafts(), s.computed());
  }

  /** Lets the draft length learn from a step. */
  void observe(Launched step, Judge judge, long nanos) {
    int batch = 0;
    boolean prefill = false;
    for (Segment segment : step.segments()) {
      batch += segment.decodes() ? 1 : 0;
      prefill |= !segment.decodes();
    }
    if (batch > 0) {
      int wanted = step.planned().drafts();
      length.observe(new Round(batch, wanted, judge.drafted(), judge.accepted(), prefill, nanos));
    }
  }
}
