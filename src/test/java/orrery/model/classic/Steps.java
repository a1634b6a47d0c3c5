package orrery.model.classic;

import java.util.Arrays;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelRunner;

/** One sequence through a model under any combination of switches, for tests. */
record Steps(Model model, Kernels kernels, int threads, boolean graph, int pageTokens) {

  /** Everything a run leaves. */
  record Outcome(float[][] logits, float[][] hidden, float[][] mtpLogits) {}

  /** Feeds ids in pieces of the given sizes (the last size repeats), all logits wanted. */
  Outcome run(int[] ids, int... pieces) {
    int slots = ids.length + 8;
    int pages = (slots + pageTokens - 1) / pageTokens;
    KvCache cache = new KvCache(model.kvLayout(), pageTokens, slots, pages + 2);
    PageTable table = cache.newTable();
    PageTable decoy = cache.newTable();
    cache.reserve(decoy, 1); // so that pages do not start at 0
    cache.reserve(table, slots);
    float[][] logits = new float[ids.length][];
    float[][] hidden = new float[ids.length][];
    float[][] mtp = new float[ids.length - 1][];
    try (Team team = new Team(threads)) {
      ModelRunner runner = new ModelRunner(model, cache, team, ids.length, graph);
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
          hidden[from + r] = row(f.hidden(), r);
        }
        from += n;
      }
      if (model.hasMtp()) {
        mtpRows(runner, step, ids, hidden, mtp, pieces);
      }
    }
    return new Outcome(logits, hidden, mtp);
  }

  private void mtpRows(
      ModelRunner runner, Step step, int[] ids, float[][] hidden, float[][] mtp, int[] pieces) {
    for (int from = 0, piece = 0; from < mtp.length; piece++) {
      int n = Math.min(pieces[Math.min(piece, pieces.length - 1)], mtp.length - from);
      step.clear();
      Buffer in = runner.forMtp(n).mtpInput();
      for (int p = from; p < from + n; p++) {
        step.add(ids[p + 1], p, p + 1, 0, true);
        System.arraycopy(hidden[p], 0, in.data, in.row(p - from), hidden[p].length);
      }
      Forward f = runner.runMtp(step);
      for (int r = 0; r < n; r++) {
        mtp[from + r] = row(f.mtpLogits(), r);
      }
      from += n;
    }
  }

  static float[] row(Buffer b, int r) {
    return Arrays.copyOfRange(b.data, b.row(r), b.row(r) + b.cols);
  }
}
