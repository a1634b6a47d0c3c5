package orrery.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.graph.Buffer;
import orrery.graph.Capture;
import orrery.graph.Fusion;
import orrery.graph.Op;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.AttentionShape;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.quantization.WeightFormat;

/** Projections of random shapes: heads that begin within a panel, and last blocks of few heads. */
class FusedProjectionsTest {
  private static final int SHARES = 7;
  private static final int PAGE = 8;
  private static final RowCount ROWS = Step::rows; // of all buffers
  private static final int[] DIMS = {3, 8, 12, 16, 20, 24, 32, 40};

  private final Random random = new Random(5);

  private float[] numbers(int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  private PackedMatrix matrix(int out, int in) {
    return PackedMatrix.pack(
        WeightFormat.F32, out, in, (row, into) -> System.arraycopy(numbers(in), 0, into, 0, in));
  }

  private float[] perhaps(int n) {
    return random.nextBoolean() ? numbers(n) : null;
  }

  @Test
  void anyShapeOfHeadsGivesTheSameBitsFusedWithAnyNumberOfShares() {
    for (int round = 0; round < 60; round++) {
      int kvHeads = 1 + random.nextInt(6);
      int heads = kvHeads * (1 + random.nextInt(3));
      int dim = DIMS[random.nextInt(DIMS.length)];
      int valueDim = DIMS[random.nextInt(DIMS.length)];
      requireSameBits(new AttentionShape(heads, kvHeads, dim, valueDim, PAGE, 0.3f));
    }
  }

  private void requireSameBits(AttentionShape shape) {
    int hidden = 5 + random.nextInt(40);
    int dim = shape.headDim();
    GroupedQueryAttention attention =
        new GroupedQueryAttention(
            matrix(shape.heads() * dim, hidden),
            matrix(shape.keyWidth(), hidden),
            matrix(shape.kvHeads() * shape.valueDim(), hidden),
            matrix(hidden, shape.heads() * shape.valueDim()),
            perhaps(shape.heads() * dim),
            perhaps(shape.keyWidth()),
            perhaps(shape.kvHeads() * shape.valueDim()),
            perhaps(dim),
            perhaps(dim),
            1e-5f);
    KvDtype dtype = KvDtype.values()[random.nextInt(KvDtype.values().length)];
    KvLayout layout =
        new KvLayout(
            List.of(
                Stream.whole("key", shape.keyWidth(), dtype.format(dim, 0)),
                Stream.whole("value", shape.valueWidth(), dtype.format(shape.valueStride(), 0))));
    int rows = 1 + random.nextInt(2 * PAGE);
    KvCache cache = new KvCache(layout, PAGE, 4 * PAGE, 4);
    LayerKv kv = LayerKv.of(cache, shape, 0, 1, 0);
    Step step = new Step(rows, 1, SHARES, kernels());
    step.tables[0] = cache.newTable();
    cache.reserve(step.tables[0], 4 * PAGE);
    for (int r = 0; r < rows; r++) {
      step.add(0, 3 + r, 0, false);
    }
    int rotated = 2 * (1 + random.nextInt(Math.max(1, dim / 2)));
    RopeTable rope = RopeTable.of(4 * PAGE, Math.min(rotated, dim - 1), 1e4, random.nextBoolean());
    Buffer h = new Buffer("h", ROWS, rows, hidden);
    System.arraycopy(numbers(h.data.length), 0, h.data, 0, h.data.length);
    Buffer out = new Buffer("out", ROWS, rows, hidden);
    GroupedQueryAttention.Space space = new GroupedQueryAttention.Space(shape, ROWS, rows);
    StepProgram launched = Capture.of(g -> attention.run(g, h, rope, kv, space, out));
    launched.ops().forEach(op -> op.run(step, 0, 1));
    int[] expected = bits(step, kv, space.q, out);
    Arrays.fill(space.q.data, Float.NaN);
    Arrays.fill(space.k.data, Float.NaN);
    for (int stream = 0; stream < 2; stream++) {
      cache.rows(stream).fillNaN(0, cache.rows(stream).rows());
    }
    List<Op> fused = Fusion.apply(launched, List.of(new QkvRule()), Set.of(out)).program().ops();
    assertThat(fused).as("%s", shape).hasSize(3).first().isInstanceOf(ProjectQkv.class);
    int shares = 1 + random.nextInt(SHARES);
    List<Integer> order = new ArrayList<>();
    for (int s = 0; s < shares; s++) {
      order.add(s);
    }
    Collections.shuffle(order, random);
    Op byHeads = fused.getFirst();
    Op project = random.nextBoolean() ? byHeads : byHeads.cut(rows, 1); // one thread: by rows
    assertThat(project.rowwise() == null).isEqualTo(project == byHeads);
    order.forEach(share -> project.run(step, share, shares));
    fused.subList(1, 3).forEach(op -> op.run(step, 0, 1));
    assertThat(bits(step, kv, space.q, out))
        .as("%s, %s, %d rows", shape, dtype, rows)
        .isEqualTo(expected);
  }

  private Kernels kernels() {
    return random.nextBoolean() ? new ScalarKernels() : new VectorKernels();
  }

  /** The queries, keys, values and outputs of all rows. */
  private static int[] bits(Step step, LayerKv kv, Buffer q, Buffer out) {
    AttentionShape shape = kv.shape();
    int[] pages = kv.pages(step.tables[0]);
    int width = Math.max(shape.headDim(), shape.valueDim());
    List<Integer> bits = new ArrayList<>();
    for (int r = 0; r < step.rows(); r++) {
      add(bits, q.data, q.row(r), q.cols);
      add(bits, out.data, out.row(r), out.cols);
      for (int head = 0; head < shape.kvHeads(); head++) {
        float[] x = new float[width];
        shape.key(kv.keys().stored(), pages, step.slot[r], head, x, 0, 1);
        add(bits, x, 0, shape.headDim());
        shape.value(kv.values().stored(), pages, step.slot[r], head, x, 0);
        add(bits, x, 0, shape.valueDim());
      }
    }
    return bits.stream().mapToInt(i -> i).toArray();
  }

  private static void add(List<Integer> bits, float[] x, int from, int n) {
    for (int i = from; i < from + n; i++) {
      bits.add(Float.floatToIntBits(x[i]));
    }
  }
}
