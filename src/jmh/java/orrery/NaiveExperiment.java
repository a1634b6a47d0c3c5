package orrery;

import java.nio.file.Path;
import java.util.Arrays;
import orrery.engine.LoadedModel;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.model.Model;
import orrery.model.ModelRunner;

/**
 * What the next token costs: {@link Naive}, which computes every earlier token again, beside the
 * same model with a KV cache, one new row a step. Both in scalar loops, on one thread.
 */
public final class NaiveExperiment {
  private static final Path MODEL = Path.of("tiny-models/speck-mtp");
  private static final int[] TOKENS = {8, 16, 32, 64, 128};
  private static final int RUNS = 41; // the fastest counts: others may be using this machine

  private NaiveExperiment() {}

  public static void main(String[] args) {
    Naive naive = new Naive(MODEL);
    try (LoadedModel loaded = LoadedModel.load(MODEL);
        Team alone = new Team(1)) {
      Model model = loaded.model();
      int[] ids = new int[TOKENS[TOKENS.length - 1]];
      Arrays.setAll(ids, i -> (i * 31 + 7) % model.vocab());
      KvCache cache = new KvCache(model.kvLayout(false, KvDtype.F32), ids.length, ids.length, 1);
      ModelRunner runner = new ModelRunner(model, cache, alone, 1, 1, true);
      Step step = new Step(1, 1, 1, new ScalarKernels());
      step.tables[0] = cache.newTable();
      cache.reserve(step.tables[0], ids.length);
      System.out.printf("%s, scalar loops, 1 thread, fastest of %d runs%n%n", MODEL, RUNS);
      System.out.printf("tokens so far   naive ms   with a cache ms   same bits%n");
      for (int warmUp = 0; warmUp < 3_000; warmUp++) {
        row(runner, step, ids, warmUp % ids.length);
      }
      for (int n : TOKENS) {
        int[] known = Arrays.copyOf(ids, n);
        float[][] expected = naive.logits(known);
        fastest(() -> naive.logits(known)); // compiles
        double again = fastest(() -> naive.logits(known));
        for (int p = 0; p < n; p++) {
          row(runner, step, ids, p);
        }
        double cached = fastest(() -> row(runner, step, ids, n - 1));
        float[] logits = row(runner, step, ids, n - 1);
        boolean same = Arrays.equals(logits, expected[n - 1]);
        System.out.printf("%13d %10.3f %17.3f   %s%n", n, again, cached, same);
      }
    }
  }

  /** Computes one row; returns its logits, [vocab]. */
  private static float[] row(ModelRunner runner, Step step, int[] ids, int position) {
    step.clear();
    step.add(ids[position], position, 0, true);
    var logits = runner.run(step).logits();
    return Arrays.copyOf(logits.data, logits.cols);
  }

  private static double fastest(Runnable work) {
    double best = Double.MAX_VALUE; // milliseconds
    for (int i = 0; i < RUNS; i++) {
      long start = System.nanoTime();
      work.run();
      best = Math.min(best, (System.nanoTime() - start) / 1e6);
    }
    return best;
  }
}
