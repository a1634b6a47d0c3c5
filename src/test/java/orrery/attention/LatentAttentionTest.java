package orrery.attention;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.graph.Op;
import orrery.graph.OperandCheck;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;

/** A layer of latent attention over real pages. Pages that leave a window are full of NaN. */
class LatentAttentionTest {
  private static final int TOKENS = 41;

  static List<LatentCase> cases() {
    return LatentCase.all();
  }

  private static LatentRun run(LatentCase made) {
    return new LatentRun(made, new ScalarKernels(), 2, 1);
  }

  private static void assertSame(float[][] found, float[][] expected, String what) {
    for (int r = 0; r < expected.length; r++) {
      assertThat(found[r]).as("%s, row %d", what, r).isEqualTo(expected[r]);
    }
  }

  private static int[] ones(int n) {
    int[] ones = new int[n];
    Arrays.fill(ones, 1);
    return ones;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void outputsAreThoseOfTheFormulas(LatentCase made) {
    float[][] found = run(made).chunks(TOKENS);
    float[][] inputs = new float[TOKENS][];
    Arrays.setAll(inputs, p -> LatentRun.input(0, p, false));
    RopeTable rope = LatentRun.rope(made.ropeDim()).turn();
    PlainLatent plain = new PlainLatent(made.layer(made.hashCode()), made.window(), rope, inputs);
    for (int t = 0; t < TOKENS; t++) {
      double[] expected = plain.output(t);
      float tolerance =
          1e-5f * (1 + (float) Arrays.stream(expected).map(Math::abs).max().orElse(0));
      for (int i = 0; i < expected.length; i++) {
        assertThat(found[t][i])
            .as("%s, token %d, column %d", made, t, i)
            .isCloseTo((float) expected[i], Offset.offset(tolerance));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aPromptCutAnywhereGivesTheSameBits(LatentCase made) {
    float[][] whole = run(made).chunks(TOKENS);
    assertSame(run(made).chunks(ones(TOKENS)), whole, "token by token");
    Random random = new Random(8);
    for (int cut = 1; cut < 12; cut++) {
      int second = 1 + random.nextInt(TOKENS - 12);
      int[] sizes = {cut, second, TOKENS - cut - second};
      assertSame(run(made).chunks(sizes), whole, Arrays.toString(sizes));
    }
  }

  /** Guards the tests here: they would notice a row that is read after it is gone. */
  @ParameterizedTest
  @MethodSource("cases")
  void aCacheThatKeepsOneRowLessThanTheWindowIsNoticed(LatentCase made) {
    int kept = made.window() - 1 - made.firstSlot(); // a row of an MTP layer lies one slot later
    LatentRun run = new LatentRun(made, new ScalarKernels(), 1, 1, kept);
    float[][] found = run.chunks(ones(TOKENS));
    assertThat(Arrays.stream(found).anyMatch(row -> Float.isNaN(row[0]))).isTrue();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shortPromptsAndASecondSequenceInTheStepChangeNoRow(LatentCase made) {
    float[][] whole = run(made).chunks(TOKENS);
    for (int prompt = 1; prompt <= 3; prompt++) {
      LatentRun both = run(made);
      both.add(1, 9, false);
      both.add(0, prompt, false);
      float[][] found = both.compute();
      assertSame(Arrays.copyOfRange(found, 9, 9 + prompt), Arrays.copyOf(whole, prompt), "prompt");
      both.keep(1, 9);
      both.keep(0, prompt);
      both.step.clear();
      both.add(0, 7, false);
      both.add(1, 2, false);
      found = both.compute();
      assertSame(found, Arrays.copyOfRange(whole, prompt, prompt + 7), prompt + " tokens before");
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rowsOfRejectedDraftsLeaveNoTrace(LatentCase made) {
    float[][] clean = run(made).chunks(TOKENS);
    for (int drafts = 1; drafts <= 5; drafts++) {
      LatentRun run = run(made);
      for (int p = 0; p < TOKENS - 2; ) {
        int right = Math.min(1 + p % 3, TOKENS - p);
        run.step.clear();
        run.add(0, right + drafts, true); // garbage in all rows first
        run.compute();
        run.step.clear();
        run.add(0, right, false);
        assertSame(run.compute(), Arrays.copyOfRange(clean, p, p + right), drafts + " drafts");
        run.keep(0, right);
        p += right;
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sharesInAnyOrderAndVectorKernelsGiveTheSameBits(LatentCase made) {
    float[][] expected = run(made).chunks(TOKENS);
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      for (int shares : new int[] {1, 2, 3, 5}) {
        String what = kernels.name() + ", " + shares + " shares";
        LatentRun once = new LatentRun(made, kernels, 2, shares);
        assertSame(once.chunks(TOKENS), expected, what);
        LatentRun single = new LatentRun(made, kernels, 2, shares);
        assertSame(single.chunks(ones(TOKENS)), expected, what + ", token by token");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void opsReadAndWriteWhatTheyDeclare(LatentCase made) {
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      LatentRun run = new LatentRun(made, kernels, 2, 1);
      Random random = new Random(2);
      for (int s = 0; s < run.cache.layout().streams().size(); s++) {
        float[] data = run.cache.rows(s).floats();
        System.arraycopy(LatentCase.vector(random, data.length), 0, data, 0, data.length);
      }
      for (int sequence = 0; sequence < 2; sequence++) { // the first rows stay what they are
        run.add(sequence, 20 + sequence, false);
        run.step.clear();
        run.keep(sequence, 20 + sequence);
      }
      run.add(0, 4, false);
      run.add(1, 3, false);
      List<Op> ops = run.ops();
      OperandCheck check = new OperandCheck(run.step, ops);
      ops.forEach(check::run);
      ops.forEach(op -> assertThat(op.cost(run.step)).as(op.line()).isPositive());
    }
  }

  /** As when a prefix is filled in: the rows before are written, and their outputs never asked. */
  @Test
  void rowsThatAreOnlyWrittenServeLaterRows() {
    LatentCase made = LatentCase.all().get(1);
    assertThat(made.firstSlot()).isEqualTo(1);
    float[][] whole = run(made).chunks(TOKENS);
    LatentRun run = run(made);
    run.add(0, 11, false);
    run.write();
    run.keep(0, 11);
    run.step.clear();
    run.add(0, 4, false);
    assertSame(run.compute(), Arrays.copyOfRange(whole, 11, 15), "behind written rows");
  }

  @ParameterizedTest
  @MethodSource("cases")
  void warmOpsAllocateNothing(LatentCase made) {
    LatentRun run = run(made);
    run.add(0, 30, false);
    Op[] ops = run.ops().toArray(Op[]::new);
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long bytes = 1;
    for (int attempt = 0; attempt < 50 && bytes > 0; attempt++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (Op op : ops) {
        op.run(run.step, 0, 1);
      }
      bytes = threads.getCurrentThreadAllocatedBytes() - before;
    }
    assertThat(bytes).as("bytes allocated by warm ops").isZero();
  }
}
