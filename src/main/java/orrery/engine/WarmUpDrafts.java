package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kv.PageTable;
import orrery.sampling.History;
import orrery.sampling.SamplingParams;
import orrery.speculation.DraftLength;
import orrery.speculation.Draftable;
import orrery.speculation.Drafter;
import orrery.speculation.Drafter.Judged;
import orrery.speculation.Drafter.Order;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;

/**
 * Lets the drafter draft for sequences that do not exist, so that the programs of its chains are
 * captured and compiled before the first request. Such a sequence has two tokens, one of them
 * computed, and its rows lie on the dummy pages. What the drafter knows of it is thrown away with
 * it; the draft length never hears of it.
 */
final class WarmUpDrafts {
  private static final int[] TOKENS = {0, 0}; // of every sequence
  private static final int COMPUTED = 1;
  private static final SamplingParams SAMPLED = SamplingParams.defaults();
  private static final SamplingParams GREEDY = SAMPLED.withTemperature(0);

  private final Drafter drafter;
  private final int most; // drafts of a sequence
  private final int sequences; // of a step, at most
  private final int vocab;

  /**
   * @param length says how many drafts a sequence may get
   * @param sequences most sequences of a step
   * @param contextLength the longest sequence, in slots
   */
  WarmUpDrafts(Drafter drafter, DraftLength length, int sequences, int vocab, int contextLength) {
    this.drafter = drafter;
    this.most = Math.min(length.most(), contextLength - TOKENS.length - 1); // as for any sequence
    this.sequences = sequences;
    this.vocab = vocab;
  }

  /**
   * Drafts behind a step, for as many sequences as it has rows, or as a step can have; every number
   * of drafts in turn, since each has a program of its own.
   *
   * @param step of one sequence, that of the dummy pages
   * @param states that the main model hands over of its rows
   */
  void run(Step step, Buffer states) {
    if (most < 1 || step.rows() / 2 >= sequences) { // no step drafts for so many sequences
      return;
    }
    List<Judged> judged = new ArrayList<>();
    for (int row = 0; row < Math.min(step.rows(), sequences); row++) {
      Drafts drafts = start(step.tables[0], row % 2 == 0 ? GREEDY : SAMPLED);
      judged.add(new Judged(drafts, 0, row, false, false));
    }
    drafter.follow(judged, states, true);
    for (int count = 1; count <= most; count++) {
      draft(judged, count);
    }
  }

  private Drafts start(PageTable table, SamplingParams params) {
    Dummy dummy = new Dummy(table);
    Drafts drafts =
        drafter.start(dummy, new SamplingContext(params, new History(vocab, TOKENS), 0, 0));
    dummy.computed = COMPUTED;
    return drafts;
  }

  private void draft(List<Judged> judged, int count) {
    List<Order> orders = new ArrayList<>();
    for (Judged j : judged) {
      j.drafts().keep(0);
      int offered = drafter.offers(j.drafts(), count);
      if (offered > 0) {
        orders.add(new Order(j.drafts(), offered));
      }
    }
    if (!orders.isEmpty()) {
      drafter.draft(orders);
    }
  }

  private static final class Dummy implements Draftable {
    private final PageTable table;
    private int computed;

    Dummy(PageTable table) {
      this.table = table;
    }

    @Override
    public int[] tokens() {
      return TOKENS;
    }

    @Override
    public int known() {
      return TOKENS.length;
    }

    @Override
    public int computed() {
      return computed;
    }

    @Override
    public PageTable table() {
      return table;
    }
  }
}
