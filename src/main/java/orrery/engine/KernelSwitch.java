package orrery.engine;

import orrery.engine.EngineOptions.KernelChoice;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.model.Model;
import orrery.model.ModelRunner;

/**
 * Starts with scalar kernels and goes over to vector kernels once the JIT has compiled them.
 *
 * <p>A cold vector kernel runs through the interpreter's boxed vectors, some hundred times slower
 * than scalar code, until C2 has compiled it. So a background thread runs vector steps of the real
 * model on a cache of its own until they are quick, and only then does the engine switch. That is
 * legal at any step because both kernels give the same bits.
 */
final class KernelSwitch {
  /** Steps of the background run: one prompt-sized and many single rows, as decoding has. */
  private static final int PROMPT_ROWS = 48;

  private static final int ROUNDS = 400;

  private volatile Kernels current;
  private volatile boolean stopped;
  private final Thread background;

  KernelSwitch(Model model, KernelChoice choice) {
    current = choice == KernelChoice.VECTOR ? new VectorKernels() : new ScalarKernels();
    if (choice == KernelChoice.AUTO) {
      background = Thread.ofPlatform().daemon().name("orrery-warm-up").unstarted(() -> warm(model));
      background.start();
    } else {
      background = null;
    }
  }

  /** The kernels for the next step. */
  Kernels current() {
    return current;
  }

  /** Ends the background run, if it still goes on. */
  void stop() {
    stopped = true;
  }

  private void warm(Model model) {
    Kernels vector = new VectorKernels();
    int slots = Math.min(model.maxPositions(), PROMPT_ROWS + 64);
    int rows = Math.min(slots, PROMPT_ROWS);
    KvCache cache = new KvCache(model.kvLayout(), slots, slots, 1);
    PageTable table = cache.newTable();
    cache.reserve(table, slots);
    try (Team alone = new Team(1)) {
      ModelRunner runner = new ModelRunner(model, cache, alone, rows, true);
      Step step = new Step(rows, 1, 1, vector);
      step.tables[0] = table;
      for (int round = 0; round < ROUNDS && !stopped; round++) {
        step.clear();
        int n = round % 8 == 0 ? rows - round / 8 % Math.max(1, rows / 2) : 1;
        for (int r = 0; r < n; r++) {
          int position = n == 1 ? slots - 1 : r;
          step.add(r % model.vocab(), position, 0, r == n - 1);
        }
        runner.run(step);
      }
    }
    current = vector;
  }
}
