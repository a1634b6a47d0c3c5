package orrery;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.hyper.HeadCollapse;
import orrery.hyper.HyperConnection;
import orrery.hyper.Repeat;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.moe.FeedForward;
import orrery.moe.MixtureOfExperts;
import orrery.moe.RouterSpec;

/**
 * A program of the parts of DeepSeek-V4 beside attention, for tests that run over all ops: the
 * streams, a hash-routed mixture with a clamped SwiGLU between them, and the head's collapse.
 */
public final class LooseOps {
  private static final int VOCAB = 11;
  private static final int HIDDEN = 20;
  private static final int STREAMS = 3;
  private static final int INTERMEDIATE = 9;
  private static final int ROWS = 5;
  private static final RouterSpec ROUTER =
      new RouterSpec(RouterSpec.Score.SQRT_SOFTPLUS, 4, 2, 1, 1, true, 1.5f);

  private final Random random = new Random(17);
  private final Step step;
  private final List<Op> ops = new ArrayList<>();
  private final Buffer result = buffer("result", HIDDEN);

  /** Makes the program and a step for it. */
  public LooseOps(Kernels kernels) {
    step = new Step(ROWS + 1, 1, 1, kernels);
    for (int r = 0; r < ROWS; r++) {
      step.add(random.nextInt(VOCAB), r, 0, false);
    }
    program(
        new Launcher() {
          @Override
          public void launch(Op op) {
            ops.add(op);
          }
        });
  }

  private void program(Launcher g) {
    Buffer y = buffer("y", HIDDEN);
    final Buffer out = buffer("out", HIDDEN);
    Buffer x = buffer("x", STREAMS * HIDDEN);
    HyperConnection.Space s = new HyperConnection.Space(Step::rows, ROWS + 1, STREAMS);
    int weights = (2 + STREAMS) * STREAMS;
    HyperConnection site =
        new HyperConnection(
            matrix(weights, x.cols), floats(weights), floats(3), STREAMS, HIDDEN, 5, 1e-6f, 1e-6f);
    g.embed(matrix(VOCAB, HIDDEN), y);
    g.launch(new Repeat(y, x));
    site.collapse(g, x, s, y);
    g.rmsNorm(y, floats(HIDDEN), 1e-6f, y);
    mixture().run(g, y, space(), out, "router");
    site.expand(g, out, x, s);
    new HeadCollapse(
            matrix(STREAMS, x.cols), floats(STREAMS), floats(1), STREAMS, HIDDEN, 1e-6f, 1e-6f)
        .run(g, x, new HeadCollapse.Space(Step::rows, ROWS + 1, STREAMS), result);
  }

  private static MixtureOfExperts.Space space() {
    return new MixtureOfExperts.Space(
        ROUTER, Step::rows, ROWS + 1, HIDDEN, INTERMEDIATE, INTERMEDIATE);
  }

  private MixtureOfExperts mixture() {
    int[] tid2eid = random.ints(VOCAB * 2, 0, 4).toArray(); // some tokens name an expert twice
    FeedForward[] experts = new FeedForward[5]; // the last one is the shared one
    Arrays.setAll(
        experts,
        e ->
            new FeedForward(
                matrix(INTERMEDIATE, HIDDEN),
                matrix(INTERMEDIATE, HIDDEN),
                matrix(HIDDEN, INTERMEDIATE),
                0.6f));
    List<FeedForward> routed = List.of(experts).subList(0, 4);
    return new MixtureOfExperts(
        ROUTER,
        matrix(4, HIDDEN),
        null,
        tid2eid,
        routed.stream().map(FeedForward::gate).toArray(PackedMatrix[]::new),
        routed.stream().map(FeedForward::up).toArray(PackedMatrix[]::new),
        routed.stream().map(FeedForward::down).toArray(PackedMatrix[]::new),
        0.6f,
        experts[4]);
  }

  private static Buffer buffer(String name, int cols) {
    return new Buffer(name, Step::rows, ROWS + 1, cols);
  }

  private float[] floats(int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  private PackedMatrix matrix(int out, int in) {
    return PackedMatrix.pack(
        PackedMatrix.Format.F32,
        out,
        in,
        (row, into) -> System.arraycopy(floats(in), 0, into, 0, in));
  }

  /** A step of a few rows. */
  public Step step() {
    return step;
  }

  /** The ops, which need nothing from before. */
  public List<Op> ops() {
    return ops;
  }

  /** What they compute in the end. */
  public Buffer result() {
    return result;
  }
}
