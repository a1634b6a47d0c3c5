package orrery.speculation;

import java.util.ArrayList;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kv.KvCache;
import orrery.model.BoundaryKv;
import orrery.model.Forward;
import orrery.model.GreedyForward;
import orrery.model.ModelRunner;

/**
 * Drafts with the model's own multi-token prediction layer (DeepSeek-V3, section 2.2), one layer
 * chained for several drafts as EAGLE does.
 *
 * <pre>
 *   token            7     8     9    10         9 computed rows, token 9 is the newest (known = 10)
 *   main row               8                     after a step: main state of token 8
 *   extend           token 9 + state of 8        row 8 at slot 9  ──> draft 10, MTP state
 *   chain                        10 + MTP state  row 9 at slot 10 ──> draft 11, MTP state ...
 * </pre>
 *
 * <p><b>Extend</b> ({@link #follow}): once a step's tokens are decided, the layer computes a row
 * for each of them, from the states that the main model hands over. These rows never depend on
 * guesses. A row lies at the slot of the newest token that it reads. So a page's MTP rows depend
 * only on tokens up to the page's end, and the page can be shared. The first row behind a hit needs
 * the state of the token before; the request that computed the page left that state at the page's
 * end ({@link BoundaryKv}).
 *
 * <p>Most rows are needed only for their keys and values in the cache, and these depend only on the
 * input of the layer. So the attention and the experts of these rows are not computed ({@link
 * Forward#mtpKv}). Only the newest row makes a guess and runs through the whole layer.
 *
 * <p><b>Chain</b> ({@link MtpChain}): further guesses continue from guesses. Their rows lie at
 * slots beyond the newest token. The next extend overwrites them with the rows of the tokens that
 * really came.
 *
 * <p>While no step wants drafts, rows are put off and later computed many at once, which costs a
 * fraction. They are computed when drafts are wanted again, when {@value #POSTPONED} states wait,
 * or when the pages are to be shared. A page is not {@link #complete} before it has all its rows,
 * and enters no prefix cache before that.
 *
 * <p>A row of this layer may be NaN although the main model's rows are not. Then it gives no guess,
 * nor do rows that attend to it. Its page is shared all the same: the row follows from the tokens
 * before it alone, so a request without the page would compute the same NaN.
 */
public final class MtpDrafter implements Drafter {
  /**
   * The most rows that are written at once. More would be no faster, and their buffers would not
   * fit into the cores' caches.
   */
  private static final int MOST_ROWS = 64;

  private static final int POSTPONED = MOST_ROWS - 1; // with one more row a step is full

  private static final int AHEAD = 1; // the newest row lies at the slot of the newest token

  // The first row that is put off lies at the slot after its token.
  private static final int BEHIND = POSTPONED - 1;

  /** Slots beside its window that a sequence may hold pages for while an MTP layer drafts. */
  public static final int MARGIN = AHEAD + BEHIND;

  /** The most states of the main model that are kept of one sequence. */
  public static final int KEPT_STATES = POSTPONED + 1; // that of the newest token is always kept

  private final ModelRunner runner;
  private final Step step;
  private final BoundaryKv boundary;
  private final DraftPicker picker;
  private final int width; // floats of a state, whatever the model hands over
  private final int maxSequences;
  private final MtpChain chain;
  private final List<RowRange> ranges = new ArrayList<>(); // of the MTP step being put together

  /** MTP rows of the tokens [from, to) of one sequence. */
  private record RowRange(Judged judged, int from, int to) {
    MtpDrafts of() {
      return (MtpDrafts) judged.drafts();
    }
  }

  /**
   * @param step for the drafter alone; it has as many rows as one step can have sequences, or more
   * @param cache a cache with the streams of the MTP layer
   */
  public MtpDrafter(ModelRunner runner, Step step, KvCache cache, DraftPicker picker) {
    this.runner = runner;
    this.step = step;
    this.boundary = BoundaryKv.of(cache);
    this.picker = picker;
    this.chain = new MtpChain(runner, step, picker);
    this.width = boundary.width();
    Forward one = runner.forMtp(1);
    for (Buffer states : List.of(one.states(), one.mtpInput(), one.mtpStates())) {
      if (states.cols != width) {
        throw new IllegalArgumentException(
            "MTP: expected states as wide as a row of the boundary stream, "
                + width
                + ", found "
                + states);
      }
    }
    this.maxSequences = step.tables.length;
  }

  @Override
  public int ahead() {
    return AHEAD;
  }

  @Override
  public int behind() {
    return BEHIND;
  }

  @Override
  public Drafts start(Draftable sequence, SamplingContext sampling) {
    MtpDrafts s = new MtpDrafts(sequence, sampling, width, KEPT_STATES);
    int computed = sequence.computed();
    if (computed > 0) {
      // Row `computed - 1` reads token `computed`, which no cached page has.
      s.written = computed - 1;
      int row = boundary.row(sequence.table(), computed - 1);
      s.keepInput(computed - 1, boundary.rows(), row);
    }
    return s;
  }

  @Override
  public Drafts fork(Drafts from, Draftable sequence, SamplingContext sampling) {
    MtpDrafts parent = (MtpDrafts) from;
    MtpDrafts s = new MtpDrafts(sequence, sampling, width, KEPT_STATES);
    // The parent's newest MTP row may read a token that only the parent has.
    s.written = Math.min(parent.written, sequence.computed() - 1);
    for (int token = s.written; token < sequence.computed(); token++) {
      s.keepInput(token, parent.input(token), 0);
    }
    return s;
  }

  @Override
  public DrafterState state(Drafts drafts) {
    MtpDrafts s = (MtpDrafts) drafts;
    List<float[]> states = new ArrayList<>();
    for (int token = Math.min(s.written, s.sequence.computed() - 1);
        token < s.sequence.computed();
        token++) {
      states.add(s.input(token).clone());
    }
    return new DrafterState(s.written, states);
  }

  /** It makes its first guess behind its first step, when it has seen the states of that step. */
  @Override
  public Drafts resume(Draftable sequence, SamplingContext sampling, DrafterState state) {
    int known = sequence.computed();
    if (state.written() < 0 || state.written() > known) {
      throw new IllegalArgumentException(
          "MTP: expected rows of at most " + known + " tokens, found " + state.written());
    }
    int first = Math.min(state.written(), known - 1);
    int expected = known - first;
    if (expected > KEPT_STATES || state.states().size() != expected) {
      throw new IllegalArgumentException(
          String.format(
              "MTP: expected the states of %d tokens, at most %d, found %d",
              expected, KEPT_STATES, state.states().size()));
    }
    MtpDrafts s = new MtpDrafts(sequence, sampling, width, KEPT_STATES);
    s.written = state.written();
    for (int i = 0; i < expected; i++) {
      float[] of = state.states().get(i);
      if (of.length != width) {
        throw new IllegalArgumentException(
            "MTP: expected states of the main model, " + width + " wide, found " + of.length);
      }
      s.keepInput(first + i, of, 0);
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

  /** Captures the program of a chain for one sequence, without running it. */
  public StepProgram program(int links) {
    return chain.program(links);
  }

  @Override
  public void follow(List<Judged> judged, Buffer states, boolean soon) {
    List<Judged> behind = new ArrayList<>(); // sequences with rows to write
    // Those of them that will be asked for guesses: their newest row comes last, through the whole
    // layer.
    List<Judged> guessing = new ArrayList<>();
    step.clear();
    ranges.clear();
    for (Judged j : judged) {
      MtpDrafts s = (MtpDrafts) j.drafts();
      s.first = DraftPicker.NONE;
      int to = s.sequence.computed();
      boolean drafts = soon && !j.finished() && to == s.sequence.known() - 1;
      boolean holes = j.shared() && lacksRows(s.written, to);
      if (drafts) {
        guessing.add(j);
      }
      if (drafts || holes || to - s.written > POSTPONED) {
        behind.add(j);
        writeRows(j, drafts ? to - 1 : to, states);
      } else {
        s.keepInputs(states, j.row(), j.from(), to);
      }
    }
    runRows(states);
    guess(guessing, states);
    for (Judged j : behind) {
      MtpDrafts s = (MtpDrafts) j.drafts();
      int newest = s.sequence.computed() - 1;
      s.written = newest + 1;
      s.forgetInputs();
      s.keepInputs(states, j.row() + newest - j.from(), newest, newest + 1);
    }
  }

  /** Whether a complete page of the first {@code computed} tokens lacks MTP rows. */
  private boolean lacksRows(int written, int computed) {
    int p = boundary.pageTokens();
    return written + 1 < computed / p * p;
  }

  /** Collects the rows up to {@code end}, which need no guess; they run whenever a step is full. */
  private void writeRows(Judged j, int end, Buffer states) {
    int from = ((MtpDrafts) j.drafts()).written;
    while (from < end) {
      int most = Math.min(MOST_ROWS, step.maxRows());
      if (step.rows() == most || ranges.size() == maxSequences) {
        runRows(states);
      }
      int to = Math.min(end, from + most - step.rows());
      add(new RowRange(j, from, to), false);
      from = to;
    }
  }

  /** Runs the collected rows; computes only their keys and values in the cache. */
  private void runRows(Buffer states) {
    if (step.rows() > 0) {
      copyStates(states);
      runner.runMtpKv(step);
      step.clear();
      ranges.clear();
    }
  }

  /** Computes the newest row of each sequence, with its guess for the next token. */
  private void guess(List<Judged> guessing, Buffer states) {
    if (guessing.isEmpty()) {
      return;
    }
    for (Judged j : guessing) {
      int computed = ((MtpDrafts) j.drafts()).sequence.computed();
      add(new RowRange(j, computed - 1, computed), true);
      picker.mark(step, j.drafts().sampling());
    }
    copyStates(states);
    GreedyForward forward = runner.runMtp(step);
    Buffer state = forward.mtpStates();
    for (int row = 0; row < guessing.size(); row++) {
      MtpDrafts s = ranges.get(row).of();
      s.first = picker.pick(forward, row, s.sampling());
      s.firstDistribution = picker.distribution();
      System.arraycopy(state.data, state.row(row), s.state, 0, width);
    }
  }

  private void add(RowRange g, boolean wantsLogits) {
    Draftable sequence = g.of().sequence;
    step.tables[ranges.size()] = sequence.table();
    for (int p = g.from(); p < g.to(); p++) {
      step.add(sequence.tokens()[p + 1], p, p + 1, ranges.size(), wantsLogits);
    }
    ranges.add(g);
  }

  /**
   * Copies the main model's states of the ranges' tokens, from this step or kept from earlier
   * steps.
   */
  private void copyStates(Buffer states) {
    Buffer input = runner.forMtp(step.rows()).mtpInput();
    int row = 0;
    for (RowRange g : ranges) {
      Judged j = g.judged();
      for (int p = g.from(); p < g.to(); p++) {
        boolean now = p >= j.from();
        float[] from = now ? states.data : g.of().input(p);
        int at = now ? states.row(j.row() + p - j.from()) : 0;
        System.arraycopy(from, at, input.data, input.row(row++), width);
      }
    }
  }
}
