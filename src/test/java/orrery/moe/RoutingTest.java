package orrery.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.moe.RouterSpec.Score.SIGMOID;
import static orrery.moe.RouterSpec.Score.SQRT_SOFTPLUS;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;
import orrery.numerics.Elementary;
import orrery.quantization.WeightFormat;

/** Compares the routing of random rows with a routing that sorts lists. */
class RoutingTest {
  private static final int ROWS = 37;

  /** The ops of one router, on logits that the test chooses. */
  private static final class Bench {
    final RouterSpec spec;
    final float[] bias;
    final Buffer logits;
    final ExpertGroups groups;
    final Step step;
    final SelectExperts select;

    Bench(RouterSpec spec, float[] bias, Kernels kernels, float[][] rows) {
      this.spec = spec;
      this.bias = bias;
      logits = new Buffer("router", Step::rows, ROWS, spec.experts());
      groups = new ExpertGroups(spec, Step::rows, ROWS);
      step = new Step(ROWS, 1, 3, kernels);
      for (int r = 0; r < rows.length; r++) {
        step.add(0, r, 0, false);
        System.arraycopy(rows[r], 0, logits.data, logits.row(r), spec.experts());
      }
      Buffer biased = new Buffer("biasedScores", Step::rows, ROWS, spec.experts());
      Buffer scores = new Buffer("groups", Step::rows, ROWS, spec.groups());
      select = new SelectExperts(logits, biased, scores, bias, groups);
    }

    Bench route(int shares) {
      runInShares(select, step, shares);
      new GroupRows(groups).run(step, 0, 1);
      return this;
    }

    int[] experts(int row) {
      int k = spec.topK();
      return Arrays.copyOfRange(groups.topkIds.data, row * k, (row + 1) * k);
    }

    float[] weights(int row) {
      int at = groups.topkWeights.row(row);
      return Arrays.copyOfRange(groups.topkWeights.data, at, at + spec.topK());
    }
  }

  private static void runInShares(Op op, Step step, int shares) {
    for (int share = 0; share < shares; share++) {
      op.run(step, share, shares);
    }
  }

  static Stream<RouterSpec> specs() {
    return Stream.of(
        new RouterSpec(SIGMOID, 1, 1, 1, 1, true, 1f),
        new RouterSpec(SIGMOID, 5, 1, 1, 1, false, 1f),
        new RouterSpec(SIGMOID, 8, 8, 1, 1, true, 2.5f),
        new RouterSpec(SIGMOID, 33, 4, 1, 1, true, 1f),
        new RouterSpec(SIGMOID, 8, 3, 4, 2, false, 2.5f),
        new RouterSpec(SIGMOID, 8, 4, 4, 2, true, 1f),
        new RouterSpec(SIGMOID, 24, 6, 4, 4, true, 1f),
        new RouterSpec(SIGMOID, 24, 6, 4, 1, true, 0.5f),
        new RouterSpec(SIGMOID, 64, 8, 8, 3, true, 1.5f),
        new RouterSpec(SQRT_SOFTPLUS, 1, 1, 1, 1, true, 1.5f),
        new RouterSpec(SQRT_SOFTPLUS, 6, 2, 1, 1, true, 1.5f),
        new RouterSpec(SQRT_SOFTPLUS, 33, 6, 1, 1, true, 2.5f),
        new RouterSpec(SQRT_SOFTPLUS, 24, 5, 4, 2, false, 1f));
  }

  /** Logits on a coarse grid, so that ties are everywhere. */
  private static float[][] rows(Random random, RouterSpec spec, int rows, int grid) {
    float[][] logits = new float[rows][spec.experts()];
    for (float[] row : logits) {
      for (int e = 0; e < row.length; e++) {
        row[e] = (random.nextInt(grid) - grid / 2) * 8f / grid;
      }
    }
    return logits;
  }

  private static float[] bias(Random random, int n) {
    float[] bias = new float[n];
    for (int e = 0; e < n; e++) {
      bias[e] = (random.nextInt(9) - 6) / 8f; // mostly negative: scores below zero are selected too
    }
    return bias;
  }

  private static float score(RouterSpec spec, float logit) {
    return spec.score() == SIGMOID
        ? Elementary.sigmoid(logit)
        : (float) Math.sqrt(Elementary.softplus(logit));
  }

  /** The experts of one row by plain sorting, in ascending id. */
  private static int[] expected(float[] logits, float[] bias, RouterSpec spec) {
    int n = spec.experts();
    int size = n / spec.groups();
    List<Float> biased = new ArrayList<>();
    for (int e = 0; e < n; e++) {
      biased.add(score(spec, logits[e]) + bias[e]);
    }
    Comparator<Integer> bestFirst = Comparator.comparing(biased::get, Comparator.reverseOrder());
    List<Integer> groups = new ArrayList<>();
    List<Float> groupScores = new ArrayList<>();
    for (int g = 0; g < spec.groups(); g++) {
      List<Float> members = new ArrayList<>(biased.subList(g * size, (g + 1) * size));
      members.sort(Comparator.reverseOrder());
      groups.add(g);
      groupScores.add(size == 1 ? members.get(0) : members.get(0) + members.get(1));
    }
    groups.sort(Comparator.comparing(groupScores::get, Comparator.reverseOrder())); // stable
    List<Integer> kept = groups.subList(0, spec.topGroups());
    return IntStream.range(0, n)
        .boxed()
        .filter(e -> kept.contains(e / size))
        .sorted(bestFirst) // stable: ties stay in ascending id
        .limit(spec.topK())
        .mapToInt(e -> e)
        .sorted()
        .toArray();
  }

  @ParameterizedTest
  @MethodSource("specs")
  void expertsAndWeightsAreThoseOfPlainSorting(RouterSpec spec) {
    long seed = 31 + spec.toString().hashCode() % 1000; // a different seed for each router
    System.out.println(spec + ", seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 40; round++) {
      float[][] rows = rows(random, spec, 1 + random.nextInt(ROWS), round % 2 == 0 ? 5 : 4096);
      float[] bias = bias(random, spec.experts());
      Kernels kernels = round % 4 < 2 ? new ScalarKernels() : new VectorKernels();
      Bench bench = new Bench(spec, bias, kernels, rows).route(1 + round % 3);
      for (int r = 0; r < rows.length; r++) {
        int[] experts = expected(rows[r], bias, spec);
        assertThat(bench.experts(r)).as("row %d of round %d", r, round).isEqualTo(experts);
        assertWeights(bench.weights(r), rows[r], experts, spec);
      }
    }
  }

  private static void assertWeights(float[] weights, float[] logits, int[] experts, RouterSpec s) {
    double[] score = new double[experts.length];
    for (int j = 0; j < experts.length; j++) {
      double x = logits[experts[j]];
      score[j] = s.score() == SIGMOID ? 1 / (1 + Math.exp(-x)) : Math.sqrt(Math.log1p(Math.exp(x)));
    }
    double sum = s.normTopK() ? Arrays.stream(score).sum() : 1;
    for (int j = 0; j < experts.length; j++) {
      double expected = score[j] / sum * s.scale();
      assertThat(Math.abs(weights[j] - expected))
          .isLessThan(1e-6 * s.scale() * Math.max(1, score[j]));
    }
  }

  @Test
  void theBiasChangesWhichExpertsAreChosenButNoWeight() {
    RouterSpec spec = new RouterSpec(SIGMOID, 4, 2, 1, 1, false, 1f);
    float[][] rows = {{3f, 2f, 1f, 0f}};
    Bench plain = new Bench(spec, new float[4], new ScalarKernels(), rows).route(1);
    assertThat(plain.experts(0)).containsExactly(0, 1);
    Bench biased =
        new Bench(spec, new float[] {0.5f, -5, 0, 0}, new ScalarKernels(), rows).route(1);
    assertThat(biased.experts(0)).containsExactly(0, 2);
    assertThat(biased.weights(0)[0]).isEqualTo(plain.weights(0)[0]);
    assertThat(biased.weights(0)[1]).isEqualTo(Elementary.sigmoid(1f));
  }

  @ParameterizedTest
  @MethodSource("specs")
  void ofEqualLogitsTheLowestIdsAreChosen(RouterSpec spec) {
    float[][] rows = new float[3][spec.experts()];
    Arrays.fill(rows[1], 7f);
    Arrays.fill(rows[2], -50f);
    Bench bench = new Bench(spec, new float[spec.experts()], new VectorKernels(), rows).route(1);
    for (int r = 0; r < rows.length; r++) {
      assertThat(bench.experts(r)).isEqualTo(IntStream.range(0, spec.topK()).toArray());
    }
  }

  @ParameterizedTest
  @MethodSource("specs")
  void nanLogitsStillGiveEveryRowDifferentExperts(RouterSpec spec) {
    long seed = 77;
    Random random = new Random(seed);
    float[] odd = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0f};
    for (int share = 1; share <= 3; share++) {
      float[][] rows = rows(random, spec, ROWS, 64);
      for (int r = 0; r < ROWS; r++) {
        for (int e = 0; e < spec.experts(); e++) {
          if (r == 0 || random.nextInt(3) < share) {
            rows[r][e] = r == 0 ? Float.NaN : odd[random.nextInt(odd.length)];
          }
        }
      }
      Bench bench =
          new Bench(spec, bias(random, spec.experts()), new ScalarKernels(), rows).route(2);
      for (int r = 0; r < ROWS; r++) {
        assertThat(bench.experts(r))
            .as("row %d, seed %d", r, seed)
            .isSorted()
            .doesNotHaveDuplicates();
        assertThat(bench.experts(r)[0]).isNotNegative();
        assertThat(bench.experts(r)[spec.topK() - 1]).isLessThan(spec.experts());
      }
      assertEveryAssignmentOnce(bench, ROWS);
    }
  }

  @ParameterizedTest
  @MethodSource("specs")
  void everyAssignmentLiesOnceInTheGroupOfItsExpertAndRowsStayInOrder(RouterSpec spec) {
    Random random = new Random(9);
    for (int rows : new int[] {1, 2, 17, ROWS}) {
      float[][] logits = rows(random, spec, rows, 16);
      Bench bench =
          new Bench(spec, bias(random, spec.experts()), new ScalarKernels(), logits).route(3);
      assertEveryAssignmentOnce(bench, rows);
    }
  }

  private static void assertEveryAssignmentOnce(Bench bench, int rows) {
    ExpertGroups g = bench.groups;
    int k = bench.spec.topK();
    assertThat(g.assignments(bench.step)).isEqualTo(rows * k);
    assertThat(g.start.data[0]).isZero();
    assertThat(g.start.data[bench.spec.experts()]).isEqualTo(rows * k);
    int[] seen = new int[rows * k];
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < k; j++) {
        int a = g.assignmentOf.data[r * k + j];
        int expert = bench.experts(r)[j];
        seen[a]++;
        assertThat(g.rowOf.data[a]).isEqualTo(r);
        assertThat(a).isBetween(g.start.data[expert], g.start.data[expert + 1] - 1);
      }
    }
    assertThat(seen).containsOnly(1);
    int load = 0;
    for (int e = 0; e < bench.spec.experts(); e++) {
      assertThat(Arrays.copyOfRange(g.rowOf.data, g.start.data[e], g.start.data[e + 1])).isSorted();
      load += g.load(e);
    }
    assertThat(load).isEqualTo(rows * k);
  }

  @Test
  void expertsThatNoRowChoseComputeNothing() {
    RouterSpec spec = new RouterSpec(SIGMOID, 6, 2, 1, 1, true, 1f);
    float[][] rows = {{9, 0, 0, 8, 0, 0}, {9, 0, 0, 8, 0, 0}};
    Bench bench = new Bench(spec, new float[6], new ScalarKernels(), rows).route(1);
    assertThat(IntStream.range(0, 6).map(bench.groups::load)).containsExactly(2, 0, 0, 2, 0, 0);
    // The idle experts have NaN weights, which would show in any product that used them.
    PackedMatrix[] w = new PackedMatrix[6];
    for (int e = 0; e < 6; e++) {
      float weight = bench.groups.load(e) == 0 ? Float.NaN : e + 1;
      w[e] = PackedMatrix.of(WeightFormat.F32, new float[][] {{weight}});
    }
    Buffer x = new Buffer("x", bench.groups::assignments, ROWS * 2, 1);
    Buffer y = new Buffer("y", bench.groups::assignments, ROWS * 2, 1);
    Arrays.fill(x.data, 1f);
    runInShares(new ExpertMatMul(x, w, bench.groups, y), bench.step, 1);
    assertThat(IntStream.range(0, 4).mapToObj(a -> y.data[y.row(a)]))
        .containsExactly(1f, 1f, 4f, 4f);
  }

  @ParameterizedTest
  @MethodSource("specs")
  void gatheredRowsComeBackAsTheWeightedSumOfTheirExperts(RouterSpec spec) {
    Random random = new Random(3);
    int cols = 19;
    float[][] rows = rows(random, spec, ROWS, 1024);
    Bench bench = new Bench(spec, bias(random, spec.experts()), new VectorKernels(), rows).route(1);
    Buffer h = new Buffer("h", Step::rows, ROWS, cols);
    Buffer x = new Buffer("x", bench.groups::assignments, ROWS * spec.topK(), cols);
    Buffer y = new Buffer("y", Step::rows, ROWS, cols);
    for (int i = 0; i < h.data.length; i++) {
      h.data[i] = (float) random.nextGaussian();
    }
    Arrays.fill(y.data, Float.NaN); // the op must not read what y held before
    runInShares(new GatherRows(h, bench.groups, x), bench.step, 3);
    for (int e = 0; e < spec.experts(); e++) { // expert e scales its rows by e + 1
      for (int i = x.row(bench.groups.start.data[e]);
          i < x.row(bench.groups.start.data[e + 1]);
          i++) {
        x.data[i] *= e + 1;
      }
    }
    runInShares(new Combine(x, bench.groups, y), bench.step, 2);
    for (int r = 0; r < ROWS; r++) {
      for (int c = 0; c < cols; c++) {
        float sum = 0;
        for (int j = 0; j < spec.topK(); j++) {
          float expert = h.data[h.row(r) + c] * (bench.experts(r)[j] + 1);
          sum = Math.fma(bench.weights(r)[j], expert, sum);
        }
        assertThat(y.data[y.row(r) + c]).as("row %d, column %d", r, c).isEqualTo(sum);
      }
    }
  }

  @Test
  void impossibleRoutersAreRefusedByName() {
    assertThatThrownBy(() -> new RouterSpec(SIGMOID, 8, 2, 3, 1, true, 1))
        .hasMessage("router groups: expected a divisor of 8, found 3");
    assertThatThrownBy(() -> new RouterSpec(SIGMOID, 8, 2, 2, 3, true, 1))
        .hasMessage("router top groups: expected 1 to 2, found 3");
    assertThatThrownBy(() -> new RouterSpec(SIGMOID, 8, 5, 4, 2, true, 1))
        .hasMessage("router top-k: expected 1 to 4, found 5");
    assertThatThrownBy(() -> new RouterSpec(SIGMOID, 8, 1, 8, 2, true, 1))
        .hasMessageContaining("at least 2 (a group is judged by its two best), found 1");
  }

  @Test
  void routingOpsRefuseBuffersOfOtherShapes() {
    RouterSpec spec = new RouterSpec(SIGMOID, 4, 2, 2, 1, true, 1f);
    ExpertGroups groups = new ExpertGroups(spec, Step::rows, 2);
    Buffer four = new Buffer("four", Step::rows, 2, 4);
    Buffer two = new Buffer("two", Step::rows, 2, 2);
    new SelectExperts(four, four, two, new float[4], groups);
    assertThatThrownBy(() -> new SelectExperts(two, four, two, new float[4], groups))
        .hasMessageContaining("two[2]");
    assertThatThrownBy(() -> new SelectExperts(four, four, two, new float[5], groups))
        .hasMessageContaining("bias of 5");
    assertThatThrownBy(() -> new SelectExperts(four, four, four, new float[4], groups))
        .hasMessageContaining("shapes do not fit");
    assertThatThrownBy(() -> new GatherRows(four, groups, two)).hasMessageContaining("two[2]");
    assertThatThrownBy(() -> new Combine(four, groups, two)).hasMessageContaining("two[2]");
    PackedMatrix good = PackedMatrix.of(WeightFormat.F32, new float[2][4]);
    PackedMatrix bad = PackedMatrix.of(WeightFormat.F32, new float[3][4]);
    PackedMatrix[] mixed = {good, good, bad, good};
    assertThatThrownBy(() -> new ExpertMatMul(four, mixed, groups, two))
        .hasMessageContaining("f32[3,4]");
    assertThatThrownBy(() -> new ExpertMatMul(four, new PackedMatrix[] {good}, groups, two))
        .hasMessageContaining("expected 4 experts, found 1");
  }
}
