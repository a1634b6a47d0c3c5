package orrery.lab;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import orrery.events.Event;
import orrery.events.Event.StepDone;
import orrery.observe.SpeculationStats;

/**
 * The tokens and times of one run of a batch, step by step. In a run of more than one sequence,
 * only the time counts in which the batch is full: the time that the last sequences take alone says
 * more about the workload's end than about the batch.
 */
final class DraftedRun {
  private static final int GRAM = 4;

  /**
   * A step of a full batch in which every sequence decoded.
   *
   * @param tokens that the step emitted
   */
  record Decoded(StepDone step, int tokens) {
    /** Whether the sequences had {@code each} drafts on average. */
    boolean drafts(int each) {
      return step.draftRows() == each * step.decodeRows();
    }
  }

  private final List<Decoded> decoded = new ArrayList<>();
  private final SpeculationStats stats = new SpeculationStats();
  private final double distinct;
  private final int requests;
  private int tokens;
  private long nanos; // from the first arrival to the end of the last step of a full batch

  DraftedRun(Trace trace, int batch) {
    requests = trace.all(Event.Submitted.class).size();
    long arrival = trace.all(Event.Submitted.class).getFirst().nanos();
    StepDone last = null;
    for (StepDone s : trace.steps()) {
      last = s.running() == batch ? s : last;
    }
    if (last == null) {
      throw new IllegalArgumentException("no step had a batch of " + batch);
    }
    int now = 0; // tokens of the step that is not done yet
    for (Event e : trace.events()) {
      stats.accept(e);
      if (e instanceof Event.TokenOut) {
        now++;
      } else if (e instanceof StepDone s) {
        if (s.nanos() <= last.nanos()) {
          add(s, now, batch);
        }
        now = 0;
      }
    }
    nanos = last.nanos() - arrival;
    distinct = distinct(trace);
  }

  private void add(StepDone s, int emitted, int batch) {
    tokens += emitted;
    if (s.decodeRows() == batch && s.prefillRows() == 0) {
      decoded.add(new Decoded(s, emitted));
    }
  }

  /** Steps of a full batch in which every sequence decoded. */
  List<Decoded> decoded() {
    return decoded;
  }

  /** Tokens a second, prompts and all. */
  double tokensPerSecond() {
    return tokens / (nanos / 1e9);
  }

  int requests() {
    return requests;
  }

  /** Tokens of all steps. */
  int tokens() {
    return tokens;
  }

  /** Microseconds outside of decoding steps: prompts, and the time between steps. */
  double otherMicros() {
    return (nanos - decoded.stream().mapToLong(d -> d.step.busyNanos()).sum()) / 1e3;
  }

  /** The statistics of all drafts of the whole run. */
  SpeculationStats stats() {
    return stats;
  }

  /**
   * The share of different ones among all runs of four tokens in an answer; mean over the answers.
   */
  double distinct() {
    return distinct;
  }

  private static double distinct(Trace trace) {
    Map<Integer, List<Integer>> answers = new HashMap<>(); // by sequence
    for (Event.TokenOut t : trace.all(Event.TokenOut.class)) {
      answers.computeIfAbsent(t.sequence(), s -> new ArrayList<>()).add(t.token());
    }
    double sum = 0;
    int counted = 0;
    for (List<Integer> answer : answers.values()) {
      Set<List<Integer>> different = new HashSet<>();
      int grams = answer.size() - GRAM + 1;
      for (int i = 0; i < grams; i++) {
        different.add(answer.subList(i, i + GRAM));
      }
      sum += grams > 0 ? (double) different.size() / grams : 0;
      counted += grams > 0 ? 1 : 0;
    }
    return counted == 0 ? 1 : sum / counted;
  }
}
