package orrery.model;

import java.util.Arrays;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.PageTable;

/** Runs one sequence through a model under any combination of switches. */
public record Steps(
    Model model, Kernels kernels, int threads, boolean graph, int pageTokens, KvDtype dtype) {

  /** Steps over cached rows of float32. */
  public Steps(Model model, Kernels kernels, int threads, boolean graph, int pageTokens) {
    this(model, kernels, threads, graph, pageTokens, KvDtype.F32);
  }

  /** The results of a run, one row for each token. */
  public record Outcome(float[][] logits, float[][] states, float[][] mtpLogits) {}

  /** Feeds ids in pieces of the given sizes (the last size repeats). Every row wants logits. */
  public Outcome run(int[] ids, int... pieces) {
    int slots = ids.length + 8;
    int pages = (slots + pageTokens - 1) / pageTokens;
    KvCache cache =
        new KvCache(model.kvLayout(model.hasMtp(), dtype), pageTokens, slots, pages + 2);
    PageTable table = cache.newTable();
    PageTable decoy = cache.newTable();
    cache.reserve(decoy, 1); // so that pages do not start at 0
    cache.reserve(table, slots);
    float[][] logits = new float[ids.length][];
    float[][] states = new float[ids.length][];
    float[][] mtp = new float[ids.length - 1][];
    try (Team team = new Team(threads)) {
      ModelRunner runner = new ModelRunner(model, cache, team, ids.length, ids.length, graph);
      Step step = new Step(ids.length, 1, threads, kernels);
      step.tables[0] = table;
      for (int from = 0, piece = 0; from < ids.length; piece++) {
        int n = Math.min(pieces[Math.min(piece, pieces.length - 1)], ids.length - from);
        step.clear();
        for (int p = from; p < from + n; p++) {
          step.add(ids[p], p, 0, true);
        }
        Forward f = runner.run(step);
        for (int r = 0; r < n; r++) {
          logits[from + r] = row(f.logits(), r);
          states[from + r] = row(f.states(), r);
        }
        from += n;
      }
      if (model.hasMtp()) {
        mtpRows(runner, step, ids, states, mtp, pieces);
      }
    }
    return new Outcome(logits, states, mtp);
  }

  private void mtpRows(
      ModelRunner runner, Step step, int[] ids, float[][] states, float[][] mtp, int[] pieces) {
    for (int from = 0, piece = 0; from < mtp.length; piece++) {
      int n = Math.min(pieces[Math.min(piece, pieces.length - 1)], mtp.length - from);
      step.clear();
      Buffer in = runner.forMtp(n).mtpInput();
      for (int p = from; p < from + n; p++) {
        step.add(ids[p + 1], p, p + 1, 0, true);
        System.arraycopy(states[p], 0, in.data, in.row(p - from), states[p].length);
      }
      Forward f = runner.runMtp(step);
      for (int r = 0; r < n; r++) {
        mtp[from + r] = row(f.mtpLogits(), r);
      }
      from += n;
    }
  }

  /** Logits of a greedy chain of MTP drafts after a prefix, [drafts][vocab]. */
  public float[][] chain(int[] prefix, int drafts) {
    float[][] states = run(prefix, prefix.length).states();
    float[][] logits = new float[drafts][];
    int slots = prefix.length + drafts;
    KvCache cache =
        new KvCache(
            model.kvLayout(model.hasMtp(), dtype), pageTokens, slots, slots / pageTokens + 1);
    PageTable table = cache.newTable();
    cache.reserve(table, slots);
    try (Team team = new Team(threads)) {
      ModelRunner runner = new ModelRunner(model, cache, team, prefix.length, prefix.length, graph);
      Step step = new Step(prefix.length, 1, threads, kernels);
      step.tables[0] = table;
      int rows = prefix.length - 1; // the first MTP step computes all rows before the chain too
      Buffer in = runner.forMtp(rows).mtpInput();
      for (int p = 0; p < rows; p++) {
        step.add(prefix[p + 1], p, p + 1, 0, p == rows - 1);
        System.arraycopy(states[p], 0, in.data, in.row(p), states[p].length);
      }
      for (int d = 0; d < drafts; d++) {
        Forward f = runner.runMtp(step);
        logits[d] = row(f.mtpLogits(), 0);
        float[] state = row(f.mtpStates(), step.rows() - 1);
        int draft = kernels.argmax(logits[d], 0, model.vocab());
        int position = prefix.length - 1 + d;
        step.clear();
        step.add(draft, position, position + 1, 0, true);
        in = runner.forMtp(1).mtpInput();
        System.arraycopy(state, 0, in.data, in.row(0), state.length);
      }
    }
    return logits;
  }

  public static float[] row(Buffer b, int r) {
    return Arrays.copyOfRange(b.data, b.row(r), b.row(r) + b.cols);
  }
}
