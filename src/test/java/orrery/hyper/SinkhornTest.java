package orrery.hyper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SinkhornTest {
  private static final float EPS = 1e-6f;

  private static float[] logits(int n, float deviation) {
    return HyperBench.gaussians(new Random(n), 1, n * n, deviation)[0];
  }

  private static float rowSum(float[] a, int n, int j) {
    float sum = 0;
    for (int k = 0; k < n; k++) {
      sum += a[j * n + k];
    }
    return sum;
  }

  private static float columnSum(float[] a, int n, int k) {
    float sum = 0;
    for (int j = 0; j < n; j++) {
      sum += a[j * n + k];
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 8, 16})
  void rowsAndColumnsSumToOne(int n) {
    float[] a = logits(n, 1.5f);
    Sinkhorn.balance(a, 0, n, 20, EPS);
    for (int i = 0; i < n; i++) {
      assertThat(rowSum(a, n, i)).as("row %d", i).isCloseTo(1f, within(1e-3f));
      assertThat(columnSum(a, n, i)).as("column %d", i).isCloseTo(1f, within(1e-5f));
    }
    assertThat(a).doesNotContain(0f);
  }

  /** The columns are normalised last, so they are exact first; the rows follow. */
  @Test
  void moreIterationsBringTheRowsNearerToOne() {
    float[] logits = logits(4, 2f);
    float worst = 1;
    for (int iterations : new int[] {1, 2, 5, 20}) {
      float[] a = logits.clone();
      Sinkhorn.balance(a, 0, 4, iterations, EPS);
      float off = 0;
      for (int i = 0; i < 4; i++) {
        off = Math.max(off, Math.abs(rowSum(a, 4, i) - 1));
        assertThat(columnSum(a, 4, i)).isCloseTo(1f, within(1e-5f));
      }
      assertThat(off).as("%d iterations", iterations).isLessThan(worst);
      worst = off;
    }
    assertThat(worst).isLessThan(1e-3f);
  }

  /** By hand: logits of which the softmax is known, one iteration without eps. */
  @Test
  void oneIterationIsTheSoftmaxOfTheRowsThenTheColumns() {
    float[] a = {7, 0, 0, (float) Math.log(3), 0, 7}; // a matrix of 2 x 2 from index 1
    Sinkhorn.balance(a, 1, 2, 1, 0f);
    // softmax of the rows: 1/2 1/2 | 3/4 1/4; columns: 5/4 3/4
    assertThat(a).containsExactly(new float[] {7, 0.4f, 2 / 3f, 0.6f, 1 / 3f, 7}, within(1e-6f));
  }

  @Test
  void aMatrixThatIsBalancedStaysAsItIs() {
    float[] a = new float[16]; // equal logits
    Sinkhorn.balance(a, 0, 4, 20, EPS);
    for (float v : a) {
      assertThat(v).isCloseTo(0.25f, within(1e-6f));
    }
  }

  /** So no test with two streams can see whether comb is used with rows and columns exchanged. */
  @Test
  void ofTwoStreamsTheBalancedMatrixIsSymmetric() {
    float[] a = logits(2, 2f);
    assertThat(a[1]).isNotCloseTo(a[2], within(0.1f));
    Sinkhorn.balance(a, 0, 2, 20, EPS);
    assertThat(a[1]).isCloseTo(a[2], within(1e-4f));
    assertThat(a[0]).isCloseTo(a[3], within(1e-4f));
  }

  /** Without the eps behind the softmax, a logit far below the others would give 0 / 0. */
  @Test
  void aColumnThatNoRowWantsStaysFinite() {
    float[] a = new float[9];
    for (int j = 0; j < 3; j++) {
      a[j * 3 + 1] = -300f;
    }
    Sinkhorn.balance(a, 0, 3, 20, EPS);
    for (int i = 0; i < 3; i++) {
      assertThat(columnSum(a, 3, i)).isCloseTo(1f, within(0.1f));
    }
  }

  @Test
  void itAllocatesNothing() {
    float[] logits = logits(4, 1f);
    float[] a = logits.clone();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Sinkhorn.balance(a, 0, 4, 20, EPS);
    long least = Long.MAX_VALUE; // the JIT may disturb a window
    for (int window = 0; window < 20 && least > 0; window++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100; i++) {
        System.arraycopy(logits, 0, a, 0, 16);
        Sinkhorn.balance(a, 0, 4, 20, EPS);
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertThat(least).isZero();
  }
}
