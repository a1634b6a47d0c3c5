package orrery.speculation;

import java.util.ArrayList;
import java.util.List;
import orrery.graph.BoundaryKv;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.ModelRunner;

/**
 * Drafts with the model's own multi-token prediction layer (DeepSeek-V3, section 2.2), one layer
 * chained for several drafts as EAGLE does.
 *
 * <pre>
 *   token            7     8     9    10         9 computed rows, token 9 is the newest (known = 10)
 *   main row               8                     after a step: hidden state of token 8
 *   extend           token 9 + state of 8        row 8 at slot 9  ──> draft 10, MTP state
 *   chain                        10 + MTP state  row 9 at slot 10 ──> draft 11, MTP state ...
 * </pre>
 *
 * <p><b>Extend</b> ({@link #follow}): once a step's tokens are decided, the layer computes a row
 * for each, from the main model's states; its rows never depend on what was guessed. A row lies at
 * the slot of the newest token it reads, so a page's MTP rows depend on tokens up to the page's end
 * only, and pages can be shared; the state that the first row behind a hit needs was left at the
 * page's end ({@link BoundaryKv}).
 *
 * <p><b>Chain</b> ({@link MtpChain}): further guesses continue from guesses. Their rows lie at
 * slots beyond the newest token, where the next extend writes what really came.
 *
 * <p>While nobody wants drafts, rows are put off and computed many at once, which costs a fraction:
 * until drafts are wanted again, {@value #POSTPONED} states wait, or others are to get the pages.
 * Pages with rows still to come are not {@link #complete}, and enter no prefix cache before.
 */
public final class MtpDrafter implements Drafter {
  private static final int POSTPONED = 64;

  private final ModelRunner runner;
  private final Step step;
  private final BoundaryKv boundary;
  private final DraftPicker picker;
  private final int hidden;
  private final int maxSequences;
  private final List<Segment> segments = new ArrayList<>(); // of the MTP step being put together
  private final MtpChain chain;

  /** MTP rows of tokens [from, to) of one sequence; with {@code drafts} the last makes a guess. */
  private record Segment(Judged judged, int from, int to, boolean drafts) {
    MtpDrafts of() {
      return (MtpDrafts) judged.drafts();
    }
  }

  /**
   * @param step may be the main model's: what it holds is not needed any more when this begins
   * @param cache laid out with MTP rows
   */
  public MtpDrafter(ModelRunner runner, Step step, KvCache cache, DraftPicker picker) {
    this.runner = runner;
    this.step = step;
    this.boundary = BoundaryKv.of(cache);
    this.picker = picker;
    this.chain = new MtpChain(runner, step, picker);
    this.hidden = boundary.width();
    this.maxSequences = step.tables.length;
  }

  @Override
  public int ahead() {
    return 1;
  }

  @Override
  public Drafts start(Draftable sequence, Draw draw) {
    MtpDrafts s = new MtpDrafts(sequence, draw, hidden, POSTPONED);
    int computed = sequence.computed();
    if (computed > 0) {
      s.written = computed - 1; // that row reads token `computed`, which is not the page's
      int row = boundary.row(sequence.table(), computed - 1);
      s.keepInput(computed - 1, boundary.rows(), row);
    }
    return s;
  }

  @Override
  public Drafts fork(Drafts from, Draftable sequence, Draw draw) {
    MtpDrafts parent = (MtpDrafts) from;
    MtpDrafts s = new MtpDrafts(sequence, draw, hidden, POSTPONED);
    // The parent's newest row may read a token that only the parent has.
    s.written = Math.min(parent.written, sequence.computed() - 1);
    for (int token = s.written; token < sequence.computed(); token++) {
      s.keepInput(token, parent.input(token), 0);
    }
    return s;
  }

  @Override
  public int offers(Drafts drafts, int most) {
    return ((MtpDrafts) drafts).first == DraftPicker.NONE ? 0 : most;
  }

  @Override
  public int complete(Drafts drafts, int computed) {
    return Math.min(computed, ((MtpDrafts) drafts).written + 1); // row p lies at slot p + 1
  }

  @Override
  public void draft(List<Order> orders) {
    orders.forEach(o -> first((MtpDrafts) o.drafts()));
    chain.extend(orders);
  }

  private static void first(MtpDrafts s) {
    s.add(s.first, s.firstDistribution);
  }

  /** The captured program of a chain, for one sequence; nothing is computed. */
  public StepProgram program(int links) {
    return chain.program(links);
  }

  @Override
  public void follow(List<Judged> judged, Buffer states, boolean soon) {
    step.clear();
    segments.clear();
    for (Judged j : judged) {
      MtpDrafts s = (MtpDrafts) j.drafts();
      s.first = DraftPicker.NONE;
      int to = s.sequence.computed();
      boolean drafts = soon && !j.finished() && to == s.sequence.known() - 1;
      boolean holes = j.shared() && endsPage(s.written, to);
      if (drafts || holes || to - j.from() > s.room()) {
        extend(new Segment(j, s.written, to, drafts), states);
      } else {
        s.keepInputs(states, j.row(), j.from(), to);
      }
    }
    run(states);
  }

  /** Whether a page of the first {@code computed} tokens lacks MTP rows. */
  private boolean endsPage(int written, int computed) {
    int p = boundary.pageTokens();
    return written + 1 < computed / p * p;
  }

  /** Adds rows to the MTP step, which runs whenever it is full. */
  private void extend(Segment all, Buffer states) {
    int from = all.from();
    while (from < all.to()) {
      if (step.rows() == step.maxRows() || segments.size() == maxSequences) {
        run(states);
      }
      int to = Math.min(all.to(), from + step.maxRows() - step.rows());
      boolean last = to == all.to();
      Segment part = new Segment(all.judged(), from, to, last && all.drafts());
      MtpDrafts s = part.of();
      int index = segments.size();
      step.tables[index] = s.sequence.table();
      for (int p = from; p < to; p++) {
        step.add(s.sequence.tokens()[p + 1], p, p + 1, index, part.drafts() && p == to - 1);
      }
      segments.add(part);
      from = to;
    }
  }

  private void run(Buffer states) {
    if (segments.isEmpty()) {
      return;
    }
    Buffer input = runner.forMtp(step.rows()).mtpInput();
    int row = 0;
    for (Segment g : segments) {
      for (int p = g.from(); p < g.to(); p++) {
        copyState(g, p, states, input, row++);
      }
    }
    Forward forward = runner.runMtp(step);
    int end = 0;
    int logitRow = 0;
    for (Segment g : segments) {
      end += g.to() - g.from();
      written(g, states);
      if (g.drafts()) {
        guess(g.of(), forward, end - 1, logitRow++);
      }
    }
    segments.clear();
    step.clear();
  }

  /** The main model's state of token p, of this step or kept from an earlier one. */
  private void copyState(Segment g, int p, Buffer states, Buffer input, int row) {
    if (p >= g.judged().from()) {
      int from = states.row(g.judged().row() + p - g.judged().from());
      System.arraycopy(states.data, from, input.data, input.row(row), hidden);
    } else {
      System.arraycopy(g.of().input(p), 0, input.data, input.row(row), hidden);
    }
  }

  private static void written(Segment g, Buffer states) {
    MtpDrafts s = g.of();
    s.written = g.to();
    int newest = g.to() - 1;
    if (newest >= g.judged().from()) {
      s.forgetInputs();
      s.keepInputs(states, g.judged().row() + newest - g.judged().from(), newest, g.to());
    }
  }

  private void guess(MtpDrafts s, Forward forward, int row, int logitRow) {
    Buffer logits = forward.mtpLogits();
    s.first = picker.pick(logits.data, logits.row(logitRow), s.draw());
    s.firstDistribution = picker.distribution();
    Buffer state = forward.mtpHidden();
    System.arraycopy(state.data, state.row(row), s.state, 0, hidden);
  }
}
