package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.sampling.SamplingParams.TokenBias;

/** Each parameter alone, on logits whose probabilities are easy to see. */
class SamplerTest {

  private static final float INF = Float.POSITIVE_INFINITY;
  private static final float LN2 = (float) Math.log(2);

  /** Logits with probabilities 1/2, 1/4, 1/8, 1/8, up to the rounding of ln 2. */
  private static final float[] HALVES = {3 * LN2, 2 * LN2, LN2, LN2};

  private static final float[] MIXED = {1, -1, 2, 0};

  @Test
  void temperatureZeroTakesTheHighestLogitAndTheLowestIdOfATie() {
    SamplingParams greedy = SamplingParams.defaults().withTemperature(0);
    assertThat(distribution(greedy, 1, 5, 5, 2)).containsExactly(0, 1, 0, 0);
    assertThat(distribution(greedy, -0.0f, 0.0f, -1)).containsExactly(1, 0, 0);
    assertThat(distribution(greedy, 1, INF, INF)).containsExactly(0, 1, 0);
    assertThat(distribution(greedy, -INF, -3, -INF)).containsExactly(0, 1, 0);
    for (int position = 0; position < 50; position++) {
      History history = new History(4, new int[position]);
      assertThat(new Sampler(4).sample(new float[] {1, 5, 5, 2}, 0, greedy, history, 1, 0))
          .isEqualTo(1);
    }
  }

  @Test
  void temperatureDividesTheLogits() {
    near(distribution(params(), HALVES), 0.5, 0.25, 0.125, 0.125);
    near(
        distribution(params().withTemperature(0.5), 2 * LN2, LN2, 0),
        16 / 21.0,
        4 / 21.0,
        1 / 21.0);
    near(distribution(params().withTemperature(1e-300), 1, 5, 4.999f), 0, 1, 0);
    near(
        distribution(params().withTemperature(1e300), 1, 5, 3, -INF), 1 / 3.0, 1 / 3.0, 1 / 3.0, 0);
  }

  @Test
  void topKKeepsTheKHighestAndTheLowestIdsOfATie() {
    near(distribution(params().withTopK(3), HALVES), 4 / 7.0, 2 / 7.0, 1 / 7.0, 0);
    near(distribution(params().withTopK(1), 7, 7, 7), 1, 0, 0);
    near(distribution(params().withTopK(2), -0.0f, 0.0f, 0.0f), 0.5, 0.5, 0);
  }

  @Test
  void topPKeepsTheShortestHeadThatReachesP() {
    near(distribution(params().withTopP(0.74), HALVES), 2 / 3.0, 1 / 3.0, 0, 0);
    near(distribution(params().withTopP(0.76), HALVES), 4 / 7.0, 2 / 7.0, 1 / 7.0, 0);
    near(distribution(params().withTopP(1e-9), HALVES), 1, 0, 0, 0);
    // Four equal shares: two of them reach exactly one half, so the third stays out.
    near(distribution(params().withTopP(0.5), 7, 7, 7, 7), 0.5, 0.5, 0, 0);
  }

  @Test
  void topPIsAShareOfWhatTopKLeft() {
    // Top-k leaves shares of 2/3 and 1/3: the first alone reaches 0.6.
    near(distribution(params().withTopK(2).withTopP(0.6), HALVES), 1, 0, 0, 0);
    near(distribution(params().withTopP(0.6), HALVES), 2 / 3.0, 1 / 3.0, 0, 0);
  }

  @Test
  void minPKeepsWhatIsNotMuchLessLikelyThanTheLikeliest() {
    near(distribution(params().withMinP(0.26), HALVES), 2 / 3.0, 1 / 3.0, 0, 0);
    near(distribution(params().withMinP(0.24), HALVES), 0.5, 0.25, 0.125, 0.125);
    near(distribution(params().withMinP(1), 3, 7, 7), 0, 0.5, 0.5);
  }

  @Test
  void repetitionPenaltyShrinksPositiveAndGrowsNegativeLogitsOfPromptAndAnswer() {
    History history = new History(4, 0);
    history.push(1);
    history.push(1);
    SamplingParams params = params().withRepetitionPenalty(2);
    same(params, history, MIXED, 0.5f, -2, 2, 0);
  }

  @Test
  void frequencyPenaltyCountsTheAnswerOnly() {
    History history = new History(4, 0, 2);
    history.push(2);
    history.push(2);
    history.push(3);
    same(params().withFrequencyPenalty(0.5), history, MIXED, 1, -1, 1, -0.5f);
  }

  @Test
  void presencePenaltyIsTakenOnceFromTokensOfTheAnswerOnly() {
    History history = new History(4, 0, 2);
    history.push(2);
    history.push(2);
    history.push(3);
    same(params().withPresencePenalty(0.5), history, MIXED, 1, -1, 1.5f, -0.5f);
  }

  @Test
  void repetitionComesBeforeTheOtherPenaltiesAndBiasAfterThem() {
    History history = new History(4);
    history.push(2);
    SamplingParams params =
        params()
            .withRepetitionPenalty(2)
            .withFrequencyPenalty(0.5)
            .withPresencePenalty(0.25)
            .withLogitBias(List.of(new TokenBias(2, 4)));
    same(params, history, MIXED, 1, -1, 2 / 2 - 0.75f + 4, 0);
  }

  @Test
  void penaltiesFollowAHistoryThatIsRolledBack() {
    History history = new History(4);
    history.push(2);
    history.push(3);
    history.rollback(0);
    same(params().withPresencePenalty(2), history, MIXED, MIXED);
  }

  @Test
  void logitBiasIsAddedAndNegativeInfinityRulesOut() {
    SamplingParams params =
        params()
            .withLogitBias(
                List.of(new TokenBias(1, 1.5), new TokenBias(2, Double.NEGATIVE_INFINITY)));
    same(params, new History(4), MIXED, 1, 0.5f, -INF, 0);
    near(
        distribution(params, 0, 0, INF, -INF),
        1 / (1 + Math.exp(1.5)),
        1 / (1 + Math.exp(-1.5)),
        0,
        0);
  }

  @Test
  void stopsAreRuledOutBeforeMinTokens() {
    SamplingParams params = params().withMinTokens(2).withStopTokenIds(List.of(2));
    History history = new History(4, 1, 1, 1);
    same(params, history, MIXED, -INF, -1, -INF, 0);
    history.push(1);
    same(params, history, MIXED, -INF, -1, -INF, 0);
    history.push(1);
    same(params, history, MIXED, MIXED);
  }

  @Test
  void anIgnoredEndOfSequenceIsNotRuledOut() {
    SamplingParams params = params().withMinTokens(2).withIgnoreEos(true);
    same(params, new History(4), MIXED, MIXED);
  }

  @Test
  void infiniteLogitsTakeAll() {
    near(distribution(params(), 1, INF, 3, INF), 0, 0.5, 0, 0.5);
    near(distribution(params().withTopK(1), 1, INF, 3, INF), 0, 1, 0, 0);
    near(distribution(params(), -INF, -INF, 3, -INF), 0, 0, 1, 0);
  }

  @Test
  void aNaNIsRefusedWithItsPlace() {
    float[] logits = {9, 0, Float.NaN, 1};
    for (double temperature : new double[] {0, 1}) {
      SamplingParams params = params().withTemperature(temperature);
      assertThatExceptionOfType(SamplingException.class)
          .isThrownBy(() -> new Sampler(3).sample(logits, 1, params, new History(3, 0, 0), 1, 4))
          .withMessage("choice 4, position 2: the logit of token 1 is NaN")
          .satisfies(e -> assertThat(e.position()).isEqualTo(2))
          .satisfies(e -> assertThat(e.choice()).isEqualTo(4));
      // The same sampler goes on with the next row.
      assertThat(new Sampler(1).sample(logits, 3, params, new History(1), 1, 0)).isZero();
    }
  }

  @Test
  void aRowWithoutAnyTokenLeftIsRefused() {
    for (double temperature : new double[] {0, 1}) {
      SamplingParams params = params().withTemperature(temperature).withMinTokens(1);
      float[] onlyEos = {5, -INF};
      assertThatExceptionOfType(SamplingException.class)
          .isThrownBy(() -> new Sampler(2, 0).sample(onlyEos, 0, params, new History(2), 1, 0))
          .withMessageMatching("choice 0, position 0: no token is left: .*min_tokens.*")
          .returns(true, SamplingException::ruledOut);
    }
    assertThatExceptionOfType(SamplingException.class)
        .as("the model's own doing")
        .isThrownBy(
            () -> new Sampler(1).sample(new float[] {-INF}, 0, params(), new History(1), 1, 0))
        .returns(false, SamplingException::ruledOut);
  }

  @Test
  void theRowIsReadAtItsOffsetAndNotChanged() {
    float[] logits = {9, 9, 1, 5, 2, 9};
    float[] copy = logits.clone();
    SamplingParams params =
        params()
            .withTemperature(0)
            .withLogitBias(List.of(new TokenBias(2, 1)))
            .withPresencePenalty(1);
    History history = new History(3);
    history.push(1);
    assertThat(new Sampler(3).sample(logits, 2, params, history, 1, 0)).isEqualTo(1);
    assertThat(logits).containsExactly(copy);
  }

  @Test
  void nothingIsAllocatedPerToken() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    int vocab = 5_000;
    Random random = new Random(1);
    float[] logits = new float[vocab];
    for (int i = 0; i < vocab; i++) {
      logits[i] = (float) random.nextGaussian() * 3;
    }
    History history = new History(vocab, 1, 2, 3);
    history.push(4);
    List<SamplingParams> kinds =
        List.of(
            params().withTemperature(0),
            params(),
            params().withTopK(40).withTopP(0.9).withMinP(0.05),
            params().withTopP(0.95),
            params()
                .withRepetitionPenalty(1.1)
                .withFrequencyPenalty(0.1)
                .withPresencePenalty(0.1)
                .withMinTokens(3)
                .withStopTokenIds(List.of(300, 4_000))
                .withLogitBias(List.of(new TokenBias(3_000, 1), new TokenBias(2, -1))));
    Sampler sampler = new Sampler(vocab, 0);
    for (SamplingParams params : kinds) {
      long least = Long.MAX_VALUE; // the JIT may disturb a window; what each token takes is in all
      int sum = 0;
      for (int window = 0; window < 20 && least > 0; window++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 50; i++) {
          sum += sampler.sample(logits, 0, params, history, i, 0);
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertThat(least).as("bytes for 50 tokens, sum %d, of %s", sum, params).isZero();
    }
  }

  private static SamplingParams params() {
    return SamplingParams.defaults();
  }

  private static double[] distribution(SamplingParams params, float... logits) {
    return distribution(params, new History(logits.length), logits);
  }

  private static double[] distribution(SamplingParams params, History history, float... logits) {
    double[] probabilities = new double[logits.length];
    new Sampler(logits.length, 0).distribution(logits, 0, params, history, 0, probabilities);
    return probabilities;
  }

  /** Asserts that the parameters turn the logits into the adjusted ones, to the bit. */
  private static void same(
      SamplingParams params, History history, float[] logits, float... adjusted) {
    assertThat(distribution(params, history, logits))
        .containsExactly(distribution(params(), adjusted));
  }

  private static void near(double[] found, double... expected) {
    assertThat(found).containsExactly(expected, within(1e-7));
  }
}
