package orrery.engine;

import java.util.function.IntConsumer;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * Runs a step of every bucket before the first request, and the drafts behind it: buffers are made,
 * programs are captured, and the JIT compiles the kernels. SGLang does the same before it says that
 * it is ready: it captures a CUDA graph for each batch size, then sends itself a request.
 *
 * <p>All rows lie on the dummy pages, where padding lies too, so no cached row changes. No sequence
 * exists, so nothing is judged, told or shared. With sparse offload a device buffer is free
 * therefore; the rows have it for the time, since rows without one fetch nothing.
 */
final class WarmUp {
  private static final double BETTER = 0.95; // of the best round's time
  private static final int PATIENCE = 8; // rounds without a better one
  private static final int TIMES = 3; // of the first round's time, at most, for the others
  private static final long MOST_NANOS = 3_000_000_000L; // for them

  private final ForwardPass pass;
  private final Step step;
  private final KvCache kv;
  private final PageTable padding; // all dummy pages
  private final int contextLength;
  private final int logitRows;
  private final boolean mtp;
  private final WarmUpDrafts drafts;

  /**
   * @param step that no other step uses meanwhile
   * @param contextLength the longest sequence, in slots
   * @param logitRows most rows of a step that want logits
   * @param mtp whether the MTP layer's rows are cached
   */
  WarmUp(
      ForwardPass pass,
      Step step,
      KvCache kv,
      int contextLength,
      int logitRows,
      boolean mtp,
      WarmUpDrafts drafts) {
    this.pass = pass;
    this.step = step;
    this.kv = kv;
    this.padding = kv.newTable();
    this.contextLength = contextLength;
    this.logitRows = logitRows;
    this.mtp = mtp;
    this.drafts = drafts;
  }

  /**
   * Runs every bucket once, and again while the JIT makes the steps faster.
   *
   * @param began takes the rows of each bucket, before its first step
   */
  void run(IntConsumer began) {
    kv.takeBuffer(padding);
    try {
      rounds(began);
    } finally {
      kv.giveBackBuffer(padding);
    }
  }

  private void rounds(IntConsumer began) {
    long best = round(began);
    long end = System.nanoTime() + Math.min(MOST_NANOS, TIMES * best);
    for (int worse = 0; worse < PATIENCE && System.nanoTime() + best < end; worse++) {
      long nanos = round(rows -> {});
      if (nanos < BETTER * best) {
        best = nanos;
        worse = -1;
      }
    }
  }

  /** A step of every bucket, the small ones first; returns nanoseconds. */
  private long round(IntConsumer began) {
    long start = System.nanoTime();
    int most = step.maxRows();
    for (int rows = 1; rows > 0; rows = rows == most ? 0 : Math.min(2 * rows, most)) {
      began.accept(rows);
      fill(rows);
      try {
        everyPass();
      } catch (OutOfMemoryError e) {
        throw Heap.during("warming up with a step of " + rows + " rows", e);
      }
    }
    step.clear();
    step.tables[0] = null;
    return System.nanoTime() - start;
  }

  private void everyPass() {
    Buffer states = pass.runPlain(step).states();
    pass.runner().runHead(step);
    if (mtp) {
      pass.runner().runMtp(step);
      pass.runner().runMtpKv(step);
    }
    drafts.run(step, states);
  }

  /** One prompt, of which as many rows as possible want logits. */
  private void fill(int rows) {
    step.clear();
    step.tables[0] = padding;
    int last = Math.max(0, contextLength - 2); // an MTP row may lie one slot further
    for (int i = 0; i < rows; i++) {
      step.add(0, Math.min(i, last), 0, i >= rows - logitRows);
      if (i % 2 == 0) { // the head finds the highest logits of some rows
        step.greedy();
      }
    }
  }
}
