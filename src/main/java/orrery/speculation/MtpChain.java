package orrery.speculation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.model.GreedyForward;
import orrery.model.ModelRunner;
import orrery.speculation.Drafter.Order;

/**
 * Runs the MTP layer on its own guesses: each link takes the guess and the MTP state of the link
 * before. All sequences run together, in one program that is captured once per number of links.
 * Their rows are sorted by falling number of wanted guesses, so sequences that want fewer stand
 * last and drop out of the rows.
 */
final class MtpChain {
  private final ModelRunner runner;
  private final Step step;
  private final DraftPicker picker;
  private final int maxSequences;
  private final List<MtpDrafts> rows = new ArrayList<>(); // the sequence of each row of the step
  private final int[] wanted; // [maxSequences] guesses that the sequence of each row wants, falling
  private int guesses; // that a sequence has by now if none of its guesses failed

  MtpChain(ModelRunner runner, Step step, DraftPicker picker) {
    this.runner = runner;
    this.step = step;
    this.picker = picker;
    this.maxSequences = step.tables.length;
    this.wanted = new int[maxSequences];
  }

  /** Adds guesses for the sequences that have one guess and want more. */
  void extend(List<Order> orders) {
    List<Order> longer = new ArrayList<>(orders.stream().filter(o -> o.count() > 1).toList());
    longer.sort(Comparator.comparingInt(Order::count).reversed());
    for (int i = 0; i < longer.size(); i += maxSequences) {
      run(longer.subList(i, Math.min(longer.size(), i + maxSequences)));
    }
  }

  /** Captures the program of a chain for one sequence, without running it. */
  StepProgram program(int links) {
    return runner.mtpChainProgram(1, links, this::next);
  }

  Op next(GreedyForward forward) {
    return new NextDrafts(forward, this);
  }

  private void run(List<Order> orders) {
    begin(orders);
    runner.runMtpChain(step, wanted[0] - 1, this::next);
    for (MtpDrafts s : rows) {
      var history = s.sampling().history();
      history.rollback(history.outputLength() - s.count());
    }
  }

  /** Makes the rows of the first link, whose guesses are the second of each sequence. */
  void begin(List<Order> orders) {
    rows.clear();
    step.clear();
    Buffer input = runner.forMtp(orders.size()).mtpInput();
    for (Order o : orders) {
      MtpDrafts s = (MtpDrafts) o.drafts();
      int row = rows.size();
      int newest = s.sequence.known() - 1;
      step.tables[row] = s.sequence.table();
      step.add(s.first, newest, newest + 1, row, true);
      picker.mark(step, s.sampling());
      System.arraycopy(s.state, 0, input.data, input.row(row), s.state.length);
      s.sampling().history().push(s.first);
      rows.add(s);
      wanted[row] = o.count();
    }
    guesses = 1;
  }

  /** Takes the guesses of one link and makes the rows of the next link. */
  void advance(GreedyForward forward) {
    int stay = 0;
    for (int row = 0; row < step.rows(); row++) {
      int guess = guess(rows.get(row), forward, row);
      step.token[row] =
          Math.max(guess, 0); // a row behind a failed guess is computed, but not looked at
      step.position[row]++;
      step.slot[row]++;
      Buffer state = forward.mtpStates();
      Buffer input = forward.mtpInput();
      System.arraycopy(state.data, state.row(row), input.data, input.row(row), state.cols);
      stay += wanted[row] > guesses + 1 ? 1 : 0;
    }
    guesses++;
    step.keepFirst(stay);
  }

  private int guess(MtpDrafts s, GreedyForward forward, int row) {
    if (s.count() < guesses) {
      return DraftPicker.NONE; // its guess failed at an earlier link
    }
    int guess = picker.pick(forward, row, s.sampling());
    if (guess != DraftPicker.NONE) {
      s.add(guess, picker.distribution());
      s.sampling().history().push(guess);
    }
    return guess;
  }
}
