package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class LogprobsTest {

  private static final float INF = Float.POSITIVE_INFINITY;
  private static final Offset<Double> CLOSE = within(1e-12);

  @Test
  void logprobsAreTheLogSoftmaxOfTheRawRow() {
    Random random = new Random(3);
    float[] logits = new float[40];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = random.nextInt(20) - 10; // ties are common
    }
    double sum = 0;
    for (int i = 7; i < 37; i++) {
      sum += Math.exp(logits[i]);
    }
    double logSum = Math.log(sum);
    List<Integer> sorted =
        IntStream.range(0, 30)
            .boxed()
            .sorted(Comparator.<Integer, Float>comparing(i -> -logits[7 + i]).thenComparing(i -> i))
            .toList();
    for (int chosen = 0; chosen < 30; chosen++) {
      for (int alternatives : new int[] {0, 1, 5, 20, 30, 99}) {
        Logprobs found = Logprobs.of(logits, 7, 30, chosen, alternatives);
        assertThat(found.chosen().token()).isEqualTo(chosen);
        assertThat(found.chosen().logprob()).isCloseTo(logits[7 + chosen] - logSum, CLOSE);
        assertThat(found.rank()).isEqualTo(1 + sorted.indexOf(chosen));
        assertThat(found.top().stream().map(Logprobs.TokenLogprob::token))
            .containsExactlyElementsOf(sorted.subList(0, Math.min(alternatives, 30)));
        assertThat(found.topAndChosen()).contains(found.chosen()).doesNotHaveDuplicates();
        assertThat(found.topAndChosen().subList(0, found.top().size())).isEqualTo(found.top());
        found
            .top()
            .forEach(t -> assertThat(t.logprob()).isCloseTo(logits[7 + t.token()] - logSum, CLOSE));
      }
    }
  }

  @Test
  void hugeLogitsNeitherOverflowNorVanish() {
    Logprobs found = Logprobs.of(new float[] {3e38f, 3e38f, -3e38f}, 0, 3, 1, 3);
    assertThat(found.chosen().logprob()).isCloseTo(-Math.log(2), CLOSE);
    assertThat(found.top().get(2).logprob()).isCloseTo(-6e38, within(1e32));
  }

  @Test
  void infinitiesAreTheLimitsOfTheLogSoftmax() {
    Logprobs high = Logprobs.of(new float[] {INF, 4, INF, -INF}, 0, 4, 2, 3);
    assertThat(high.chosen().logprob()).isCloseTo(-Math.log(2), CLOSE);
    assertThat(high.rank()).isEqualTo(2);
    assertThat(high.top().get(2)).isEqualTo(new Logprobs.TokenLogprob(1, -INF));
    Logprobs low = Logprobs.of(new float[] {-INF, 4, -INF}, 0, 3, 1, 1);
    assertThat(low.chosen().logprob()).isZero();
  }
}
