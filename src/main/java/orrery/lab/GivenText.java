package orrery.lab;

import orrery.engine.EngineOptions;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.KernelSet;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.model.Fp8Activations;
import orrery.model.Model;
import orrery.model.ModelRunner;

/** Runs a model over given tokens, a chunk at a time, and has the logits behind every one. */
final class GivenText implements AutoCloseable {
  /** Tokens of a chunk. */
  static final int CHUNK = 64;

  private final Team team;
  private final KvCache cache;
  private final Step step;
  private final ModelRunner runner;

  /**
   * @param longest tokens of the longest text
   */
  GivenText(Model plain, EngineOptions options, int longest) {
    Model model = Fp8Activations.of(plain, options.compute().activationDtype());
    int threads = options.compute().threads();
    boolean scalar = options.compute().kernels() == KernelSet.SCALAR;
    KvLayout layout = model.kvLayout(false, options.kv().kvCacheDtype());
    cache = new KvCache(layout, layout.wholeRows(longest), longest, 1);
    step = new Step(CHUNK, 1, threads, scalar ? new ScalarKernels() : new VectorKernels());
    team = new Team(threads);
    runner =
        new ModelRunner(
            model,
            cache,
            team,
            CHUNK,
            CHUNK,
            options.compute().graph(),
            options.compute().fusion());
  }

  /** Forgets the text so far. */
  void begin(int tokens) {
    if (step.tables[0] != null) {
      cache.release(step.tables[0]);
    }
    step.tables[0] = cache.newTable();
    cache.reserve(step.tables[0], tokens);
  }

  /**
   * Runs the tokens from {@code from} on, at most {@link #CHUNK} of them.
   *
   * @return logits [rows][vocab], valid until the next call
   */
  Buffer run(int[] ids, int from) {
    step.clear();
    for (int p = from; p < Math.min(ids.length, from + CHUNK); p++) {
      step.add(ids[p], p, 0, true);
    }
    return runner.run(step).logits();
  }

  @Override
  public void close() {
    team.close();
  }
}
