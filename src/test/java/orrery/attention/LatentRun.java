package orrery.attention;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kernels.Kernels;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/** One layer that computes made-up rows of several sequences over a real cache, step by step. */
final class LatentRun {
  static final int MOST_ROWS = 64;

  final LatentCase made;
  final LatentAttention layer;
  final KvCache cache;
  final Step step;
  final LatentKv kv;
  final LatentRope rope;
  final Buffer h = new Buffer("h", Step::rows, MOST_ROWS, LatentCase.HIDDEN);
  final Buffer out = new Buffer("out", Step::rows, MOST_ROWS, LatentCase.HIDDEN);
  private final LatentAttention.Space space;
  private final int shares;
  private final int[] computed; // [sequences] tokens whose rows are written and stay

  LatentRun(LatentCase made, Kernels kernels, int sequences, int shares) {
    this(made, kernels, sequences, shares, made.window());
  }

  LatentRun(LatentCase made, Kernels kernels, int sequences, int shares, int kept) {
    this.made = made;
    this.shares = shares;
    layer = made.layer(made.hashCode());
    int pages = sequences * (LatentCase.POSITIONS / made.pageTokens() + 1);
    cache = new KvCache(made.layout(kept), made.pageTokens(), LatentCase.POSITIONS, pages);
    step = new Step(MOST_ROWS, sequences, shares, kernels);
    for (int i = 0; i < sequences; i++) {
      step.tables[i] = cache.newTable();
    }
    computed = new int[sequences];
    StreamRows[] rows = new StreamRows[5];
    for (int i = 0; i < cache.layout().streams().size(); i++) {
      rows[i] = StreamRows.of(cache, i);
    }
    kv = new LatentKv(rows[0], rows[1], rows[2], rows[3], rows[4], made.window(), made.firstSlot());
    rope = rope(made.ropeDim());
    space = new LatentAttention.Space(List.of(layer), Step::rows, MOST_ROWS);
  }

  static LatentRope rope(int ropeDim) {
    float[] turns = new YarnFrequencies(4, 16, 32, 1).inverseFrequencies(ropeDim, 100);
    return LatentRope.of(RopeTable.of(LatentCase.POSITIONS, turns, true));
  }

  /** The input of a sequence's row, or of garbage in its place. */
  static float[] input(int sequence, int position, boolean garbage) {
    Random random = new Random(1000L * sequence + position + (garbage ? 500 : 0));
    return LatentCase.vector(random, LatentCase.HIDDEN);
  }

  /** Fills the step with the next {@code count} rows of a sequence. */
  void add(int sequence, int count, boolean garbage) {
    int end = computed[sequence] + count;
    cache.reserve(step.tables[sequence], end + made.firstSlot());
    for (int p = computed[sequence]; p < end; p++) {
      System.arraycopy(
          input(sequence, p, garbage), 0, h.data, h.row(step.rows()), LatentCase.HIDDEN);
      step.add(0, p, p + made.firstSlot(), sequence, false);
    }
  }

  /** Every op is done share by share, the last share first. */
  private final Launcher launcher =
      new Launcher() {
        @Override
        public void launch(Op op) {
          for (int share = LatentRun.this.shares - 1; share >= 0; share--) {
            op.run(LatentRun.this.step, share, LatentRun.this.shares);
          }
        }
      };

  /** Computes the rows of the step; returns their outputs [rows][hidden]. */
  float[][] compute() {
    layer.run(launcher, h, rope, kv, space, out);
    float[][] outputs = new float[step.rows()][LatentCase.HIDDEN];
    for (int r = 0; r < outputs.length; r++) {
      System.arraycopy(out.data, out.row(r), outputs[r], 0, LatentCase.HIDDEN);
    }
    return outputs;
  }

  /** Writes the raw rows of the step, and computes no output. */
  void write() {
    layer.writeKv(launcher, h, rope, kv, space);
  }

  /** The ops of the layer. */
  List<Op> ops() {
    List<Op> ops = new ArrayList<>();
    layer.run(
        new Launcher() {
          @Override
          public void launch(Op op) {
            ops.add(op);
          }
        },
        h,
        rope,
        kv,
        space,
        out);
    return ops;
  }

  /** Ends the step: {@code count} rows of a sequence stay; pages that are passed become NaN. */
  void keep(int sequence, int count) {
    computed[sequence] += count;
    PageTable table = step.tables[sequence];
    cache.trim(table, computed[sequence] + made.firstSlot());
    cache.pass(table, computed[sequence]);
  }

  /** Outputs of the first rows of sequence 0 in steps of the given sizes. */
  float[][] chunks(int... sizes) {
    List<float[]> outputs = new ArrayList<>();
    for (int size : sizes) {
      step.clear();
      add(0, size, false);
      outputs.addAll(List.of(compute()));
      keep(0, size);
    }
    return outputs.toArray(float[][]::new);
  }
}
