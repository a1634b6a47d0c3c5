package orrery.engine;

import orrery.engine.EngineOptions.KernelChoice;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
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
  /** Rows of the steps to warm: decoding, and what prompts are cut into. */
  private static final int[] ROWS = {1, 6, 4, 2};

  private static final int SLOTS = 32;

  /** A vector step must take at most this share of a scalar one, so many times in a row. */
  private static final double QUICK = 0.5;

  private static final int IN_A_ROW = 3;

  /** Gives up judging after so many rounds: whatever is compiled by then is compiled. */
  private static final int MAX_ROUNDS = 300;

  private volatile Kernels current;
  private volatile boolean stopped;

  KernelSwitch(Model model, KernelChoice choice) {
    current = choice == KernelChoice.VECTOR ? new VectorKernels() : new ScalarKernels();
    if (choice == KernelChoice.AUTO) {
      Thread.ofPlatform().daemon().name("orrery-warm-up").start(() -> warm(model));
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
    int slots = Math.min(model.maxPositions(), SLOTS);
    KvCache cache = new KvCache(model.kvLayout(), slots, slots, 1);
    try (Team alone = new Team(1)) {
      ModelRunner runner = new ModelRunner(model, cache, alone, Math.min(slots, 6), true);
      Step step = new Step(Math.min(slots, 6), 1, 1, new ScalarKernels());
      step.tables[0] = cache.newTable();
      cache.reserve(step.tables[0], slots);
      double scalar = Double.MAX_VALUE; // nanoseconds a row
      for (int slot = 0; slot < slots && !stopped; slot++) {
        scalar = Math.min(scalar, timed(runner, step, model, slot, 1));
      }
      step.kernels(new VectorKernels());
      for (int rows : ROWS) {
        int quick = 0;
        for (int i = 0; i < MAX_ROUNDS && quick < IN_A_ROW && !stopped && rows <= slots; i++) {
          double row = timed(runner, step, model, slots - rows, rows) / rows;
          quick = row < QUICK * scalar ? quick + 1 : 0;
        }
      }
    }
    current = new VectorKernels();
  }

  /** Nanoseconds of a step of {@code n} rows from a position on. */
  private static double timed(ModelRunner runner, Step step, Model model, int from, int n) {
    step.clear();
    for (int r = 0; r < n; r++) {
      step.add(r % model.vocab(), from + r, 0, r == n - 1);
    }
    long start = System.nanoTime();
    runner.run(step);
    return System.nanoTime() - start;
  }
}
