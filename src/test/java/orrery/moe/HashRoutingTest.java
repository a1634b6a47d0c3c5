package orrery.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static orrery.moe.RouterSpec.Score.SQRT_SOFTPLUS;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.quantization.WeightFormat;

/** Mixtures whose experts a table names by token id, and feed-forwards with a SwiGLU limit. */
class HashRoutingTest {
  private static final int EXPERTS = 5;
  private static final int TOP_K = 3;
  private static final int HIDDEN = 7;
  private static final int INTERMEDIATE = 19;
  private static final int ROWS = 6;
  private static final RouterSpec SPEC =
      new RouterSpec(SQRT_SOFTPLUS, EXPERTS, TOP_K, 1, 1, true, 1.5f);

  /** [6 tokens][3 experts]: one row in order, one not, two that name an expert several times. */
  private static final int[] TID2EID = {
    0, 1, 2, //
    4, 0, 3, //
    2, 4, 2, //
    1, 1, 1, //
    3, 2, 4, //
    0, 4, 1, //
  };

  private final Random random = new Random(51);

  private PackedMatrix matrix(int out, int in) {
    return PackedMatrix.pack(
        WeightFormat.F32,
        out,
        in,
        (row, into) -> {
          for (int i = 0; i < in; i++) {
            into[i] = (float) random.nextGaussian();
          }
        });
  }

  private FeedForward feedForward(float limit) {
    return new FeedForward(
        matrix(INTERMEDIATE, HIDDEN),
        matrix(INTERMEDIATE, HIDDEN),
        matrix(HIDDEN, INTERMEDIATE),
        limit);
  }

  private MixtureOfExperts mixture(float[] bias, int[] tid2eid, float limit) {
    List<FeedForward> experts =
        IntStream.range(0, EXPERTS).mapToObj(e -> feedForward(limit)).toList();
    return new MixtureOfExperts(
        SPEC,
        matrix(EXPERTS, HIDDEN),
        bias,
        tid2eid,
        experts.stream().map(FeedForward::gate).toArray(PackedMatrix[]::new),
        experts.stream().map(FeedForward::up).toArray(PackedMatrix[]::new),
        experts.stream().map(FeedForward::down).toArray(PackedMatrix[]::new),
        limit,
        feedForward(limit));
  }

  /** A run of a mixture on some tokens. */
  private static final class Run {
    final Step step;
    final MixtureOfExperts.Space space =
        new MixtureOfExperts.Space(SPEC, Step::rows, ROWS, HIDDEN, INTERMEDIATE, INTERMEDIATE);
    final Buffer h = new Buffer("h", Step::rows, ROWS, HIDDEN);
    final Buffer out = new Buffer("out", Step::rows, ROWS, HIDDEN);

    Run(MixtureOfExperts m, Kernels kernels, int shares, int[] tokens, float[][] rows) {
      step = new Step(ROWS, 1, shares, kernels);
      for (int r = 0; r < tokens.length; r++) {
        step.add(tokens[r], r, 0, false);
        System.arraycopy(rows[r], 0, h.data, h.row(r), HIDDEN);
      }
      Launcher g =
          new Launcher() {
            @Override
            public void launch(Op op) {
              int n = op instanceof GroupRows ? 1 : shares; // it is serial
              for (int share = 0; share < n; share++) {
                op.run(step, share, n);
              }
            }
          };
      m.run(g, h, space, out, "router");
    }

    int[] experts(int row) {
      return Arrays.copyOfRange(space.groups.topkIds.data, row * TOP_K, (row + 1) * TOP_K);
    }

    float[] weights(int row) {
      int at = space.groups.topkWeights.row(row);
      return Arrays.copyOfRange(space.groups.topkWeights.data, at, at + TOP_K);
    }

    float[] out(int row) {
      return Arrays.copyOfRange(out.data, out.row(row), out.row(row) + HIDDEN);
    }
  }

  private float[][] rows(int n) {
    float[][] rows = new float[n][HIDDEN];
    for (float[] row : rows) {
      for (int i = 0; i < HIDDEN; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    return rows;
  }

  private static double[] product(PackedMatrix w, double[] x) {
    double[] y = new double[w.out];
    for (int o = 0; o < w.out; o++) {
      for (int i = 0; i < w.in; i++) {
        y[o] += w.get(o, i) * x[i];
      }
    }
    return y;
  }

  private static double[] feedForward(
      PackedMatrix gate, PackedMatrix up, PackedMatrix down, double limit, double[] x) {
    double[] g = product(gate, x);
    double[] u = product(up, x);
    for (int i = 0; i < g.length; i++) {
      double cut = limit > 0 ? Math.min(g[i], limit) : g[i];
      double other = limit > 0 ? Math.clamp(u[i], -limit, limit) : u[i];
      g[i] = cut / (1 + Math.exp(-cut)) * other;
    }
    return product(down, g);
  }

  /** What a mixture gives for one row, in double, with given experts. */
  private static double[] expected(MixtureOfExperts m, int[] experts, float[] row) {
    double[] x = IntStream.range(0, HIDDEN).mapToDouble(i -> row[i]).toArray();
    double[] logits = product(m.router(), x);
    double[] scores =
        Arrays.stream(experts)
            .mapToDouble(e -> Math.sqrt(Math.log1p(Math.exp(logits[e]))))
            .toArray();
    FeedForward s = m.shared();
    double[] out = feedForward(s.gate(), s.up(), s.down(), s.swigluLimit(), x);
    for (int j = 0; j < experts.length; j++) {
      int e = experts[j];
      double weight = scores[j] / Arrays.stream(scores).sum() * SPEC.scale();
      double[] y = feedForward(m.gate()[e], m.up()[e], m.down()[e], m.swigluLimit(), x);
      for (int i = 0; i < HIDDEN; i++) {
        out[i] += weight * y[i];
      }
    }
    return out;
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, 0.6f, 10f})
  void everyTokenGoesToTheExpertsOfItsRowOfTheTable(float limit) {
    MixtureOfExperts m = mixture(null, TID2EID, limit);
    int[] tokens = {4, 2, 0, 3, 1, 5};
    float[][] rows = rows(ROWS);
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      Run run = new Run(m, kernels, 3, tokens, rows);
      for (int r = 0; r < ROWS; r++) {
        int[] row = Arrays.copyOfRange(TID2EID, tokens[r] * TOP_K, (tokens[r] + 1) * TOP_K);
        Arrays.sort(row);
        assertThat(run.experts(r)).as("token %d", tokens[r]).isEqualTo(row);
        double[] expected = expected(m, row, rows[r]);
        for (int i = 0; i < HIDDEN; i++) {
          assertThat((double) run.out(r)[i])
              .as("token %d, column %d", tokens[r], i)
              .isCloseTo(expected[i], within(2e-4));
        }
      }
    }
  }

  @Test
  void anExpertThatTheTableNamesThreeTimesCountsThreeTimes() {
    MixtureOfExperts m = mixture(null, TID2EID, 0);
    Run run = new Run(m, new VectorKernels(), 1, new int[] {3}, rows(1));
    assertThat(run.experts(0)).containsExactly(1, 1, 1);
    for (float weight : run.weights(0)) {
      assertThat(weight).isCloseTo(SPEC.scale() / 3, within(1e-6f));
    }
    assertThat(run.space.groups.load(1)).isEqualTo(3);
  }

  @Test
  void aRowHasTheSameBitsAloneInAnyBatchAndOnAnyThreads() {
    MixtureOfExperts m = mixture(null, TID2EID, 0.6f);
    int[] tokens = {0, 1, 2, 3, 4, 5};
    float[][] rows = rows(ROWS);
    Run together = new Run(m, new ScalarKernels(), 1, tokens, rows);
    for (int shares = 1; shares <= 4; shares++) {
      for (int r = 0; r < ROWS; r++) {
        Run alone =
            new Run(m, new VectorKernels(), shares, new int[] {tokens[r]}, new float[][] {rows[r]});
        assertThat(alone.out(0)).isEqualTo(together.out(r));
        assertThat(alone.weights(0)).isEqualTo(together.weights(r));
      }
    }
  }

  @Test
  void nanLogitsChangeTheWeightsOfTheirRowAndNoExpert() {
    MixtureOfExperts m = mixture(null, TID2EID, 0.6f);
    float[][] rows = rows(2);
    final Run clean = new Run(m, new VectorKernels(), 1, new int[] {4, 1}, rows);
    rows[0][3] = Float.NaN;
    Run run = new Run(m, new VectorKernels(), 1, new int[] {4, 1}, rows);
    assertThat(run.experts(0)).containsExactly(2, 3, 4);
    assertThat(run.weights(0)).containsOnly(Float.NaN);
    assertThat(run.out(0)).containsOnly(Float.NaN);
    assertThat(run.out(1)).isEqualTo(clean.out(1));
  }

  @Test
  void aLimitThatNothingReachesChangesNoBitAndOneThatBitesDoes() {
    float[][] rows = rows(ROWS);
    int[] tokens = {0, 1, 2, 3, 4, 5};
    float[][] outs = new float[3][];
    float[] limits = {0f, 1e30f, 0.6f};
    for (int i = 0; i < 3; i++) {
      random.setSeed(8);
      MixtureOfExperts m = mixture(null, TID2EID, limits[i]);
      outs[i] = new Run(m, new VectorKernels(), 1, tokens, rows).out.data;
    }
    assertThat(outs[1]).isEqualTo(outs[0]);
    assertThat(outs[2]).isNotEqualTo(outs[0]);
  }

  @Test
  void aMixtureSelectsByBiasOrByTableAndByNothingElse() {
    assertThatThrownBy(() -> mixture(new float[EXPERTS], TID2EID, 0))
        .hasMessage(
            "mixture of experts: expected either a selection bias or a table from tokens to"
                + " experts, found both");
    assertThatThrownBy(() -> mixture(null, null, 0)).hasMessageEndingWith("found neither");
  }

  @Test
  void aTableThatNamesNoExpertIsRefusedWithItsToken() {
    int[] table = TID2EID.clone();
    table[7] = EXPERTS;
    assertThatThrownBy(() -> mixture(null, table, 0))
        .hasMessage("tid2eid of token 2: expected experts 0 to 4, found 5");
    table[7] = -1;
    assertThatThrownBy(() -> mixture(null, table, 0)).hasMessageEndingWith("found -1");
    ExpertGroups groups = new ExpertGroups(SPEC, Step::rows, 1);
    Buffer logits = new Buffer("logits", Step::rows, 1, EXPERTS);
    assertThatThrownBy(() -> new LookUpExperts(logits, new int[7], groups))
        .hasMessageContaining("table of 7: shapes do not fit");
  }
}
