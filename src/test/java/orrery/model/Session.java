package orrery.model;

import java.util.Arrays;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;

/**
 * Sequences that a test feeds by hand: any rows in any steps, also wrong ones, which are rolled
 * back by feeding their slots again.
 */
public final class Session implements AutoCloseable {
  /** What a step gave for the rows of one piece, one row for each of its tokens. */
  public record Rows(float[][] logits, float[][] states) {}

  /** Tokens of one sequence for one step, from slot {@code from} on. */
  public record Piece(int sequence, int from, int... ids) {}

  private final KvCache cache;
  private final Team team;
  private final ModelRunner runner;
  private final Step step;

  /**
   * @param maxSlots of a sequence, and the most rows of a step
   */
  public Session(Steps how, KvLayout layout, int maxSlots, int sequences) {
    int blocks = Math.ceilDiv(maxSlots, how.pageTokens()) * sequences;
    cache = new KvCache(layout, how.pageTokens(), maxSlots, blocks);
    team = new Team(how.threads());
    runner = new ModelRunner(how.model(), cache, team, maxSlots, maxSlots, how.graph());
    step = new Step(maxSlots, sequences, how.threads(), how.kernels());
    Arrays.setAll(step.tables, s -> cache.newTable());
  }

  /** Computes tokens of one sequence in one step. */
  public Rows feed(int sequence, int from, int... ids) {
    return feed(new Piece(sequence, from, ids))[0];
  }

  /** Computes tokens of several sequences in one step. */
  public Rows[] feed(Piece... pieces) {
    step.clear();
    for (Piece p : pieces) {
      cache.reserve(step.tables[p.sequence], p.from + p.ids.length);
      for (int i = 0; i < p.ids.length; i++) {
        step.add(p.ids[i], p.from + i, p.sequence, true);
      }
    }
    Forward f = runner.run(step);
    Rows[] results = new Rows[pieces.length];
    for (int i = 0, row = 0; i < pieces.length; row += pieces[i++].ids.length) {
      results[i] = rows(f.logits(), f.states(), row, pieces[i].ids.length);
    }
    return results;
  }

  /**
   * Computes MTP rows of one sequence.
   *
   * @param states [rows] that the rows continue
   * @param next [rows] the token behind each row
   */
  public Rows feedMtp(int sequence, int from, float[][] states, int... next) {
    step.clear();
    cache.reserve(step.tables[sequence], from + next.length + 1);
    Buffer in = runner.forMtp(next.length).mtpInput();
    for (int i = 0; i < next.length; i++) {
      step.add(next[i], from + i, from + i + 1, sequence, true);
      System.arraycopy(states[i], 0, in.data, in.row(i), states[i].length);
    }
    Forward f = runner.runMtp(step);
    return rows(f.mtpLogits(), f.mtpStates(), 0, next.length);
  }

  private static Rows rows(Buffer logits, Buffer states, int from, int n) {
    float[][] l = new float[n][];
    float[][] s = new float[n][];
    for (int r = 0; r < n; r++) {
      l[r] = Steps.row(logits, from + r);
      s[r] = Steps.row(states, from + r);
    }
    return new Rows(l, s);
  }

  /**
   * Says what stays: pages that only rejected tokens needed are given back, and those that no
   * coming token can see.
   *
   * @param slots with rows that stay
   * @param complete tokens whose rows are written in all streams
   */
  public void settle(int sequence, int slots, int complete) {
    cache.trim(step.tables[sequence], slots);
    cache.pass(step.tables[sequence], complete);
  }

  /** Ends a sequence; its number is free for another one. */
  public void end(int sequence) {
    cache.release(step.tables[sequence]);
  }

  /** Pages that a sequence has given back at its beginning, in all pools. */
  public int passed(int sequence) {
    PageTable table = step.tables[sequence];
    int passed = 0;
    for (int pool = 0; pool < cache.geometry().pools(); pool++) {
      passed += table.first(pool);
    }
    return passed;
  }

  @Override
  public void close() {
    team.close();
  }
}
