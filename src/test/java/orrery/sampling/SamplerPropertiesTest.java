package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import orrery.sampling.SamplingParams.TokenBias;

/** Random cases compared with {@link ReferenceSampler}, equivalences, and statistics of draws. */
class SamplerPropertiesTest {

  private static final long SEED = 2026;
  private static final int CASES = 20_000;

  /** One request at one position. */
  private record Case(
      float[] logits,
      SamplingParams params,
      List<Integer> prompt,
      List<Integer> output,
      int[] eos,
      long seed,
      int choice) {

    Integer sample(Sampler sampler) {
      try {
        return sampler.sample(logits, 0, params, history(), seed, choice);
      } catch (SamplingException e) {
        return null;
      }
    }

    History history() {
      History history =
          new History(logits.length, prompt.stream().mapToInt(Integer::intValue).toArray());
      output.forEach(history::push);
      return history;
    }

    Case with(SamplingParams other) {
      return new Case(logits, other, prompt, output, eos, seed, choice);
    }
  }

  @Test
  void theSamplerDrawsWhatThePlainReferenceDraws() {
    System.out.println("SamplerPropertiesTest seed " + SEED);
    Random random = new Random(SEED);
    int refused = 0;
    int notTheHighest = 0;
    for (int i = 0; i < CASES; i++) {
      Case c = randomCase(random, 1 + random.nextInt(12));
      double[] weights = ReferenceSampler.weights(c.logits, c.params, c.prompt, c.output, c.eos);
      Sampler sampler = new Sampler(c.logits.length, c.eos);
      if (weights == null) {
        assertThatExceptionOfType(SamplingException.class)
            .as("case %d: %s", i, c)
            .isThrownBy(() -> sampler.sample(c.logits, 0, c.params, c.history(), c.seed, c.choice));
        refused++;
        continue;
      }
      double total = 0;
      for (double weight : weights) {
        total += weight;
      }
      double[] found = new double[weights.length];
      sampler.distribution(c.logits, 0, c.params, c.history(), c.choice, found);
      for (int token = 0; token < weights.length; token++) {
        assertThat(found[token]).as("case %d: %s", i, c).isEqualTo(weights[token] / total);
      }
      int position = c.prompt.size() + c.output.size();
      long key = KeyedRandom.bits(c.seed, c.choice, position, KeyedRandom.SAMPLE);
      Integer expected =
          ReferenceSampler.sample(
              c.logits,
              c.params,
              c.prompt,
              c.output,
              c.eos,
              token -> KeyedRandom.uniform(key, token));
      assertThat(c.sample(sampler)).as("case %d: %s", i, c).isEqualTo(expected);
      notTheHighest += weights[expected] < 1 ? 1 : 0;
    }
    assertThat(refused).isGreaterThan(CASES / 100);
    assertThat(notTheHighest).isGreaterThan(CASES / 10);
  }

  @Test
  void topKOneIsGreedyAtAnyTemperature() {
    Random random = new Random(SEED + 1);
    for (int i = 0; i < CASES / 10; i++) {
      Case c = randomCase(random, 30);
      Sampler sampler = new Sampler(30, c.eos);
      Case one = c.with(c.params.withTemperature(0.1 + random.nextDouble()).withTopK(1));
      Case greedy = c.with(c.params.withTemperature(0));
      assertThat(one.sample(sampler)).as("case %d: %s", i, c).isEqualTo(greedy.sample(sampler));
    }
  }

  @Test
  void aTemperatureNearZeroIsGreedyWhereTheHighestLogitStandsAlone() {
    Random random = new Random(SEED + 2);
    int alone = 0;
    for (int i = 0; i < CASES / 10; i++) {
      Case c = randomCase(random, 30);
      Sampler sampler = new Sampler(30, c.eos);
      double[] ties =
          ReferenceSampler.weights(
              c.logits, c.params.withMinP(1).withTemperature(1e-9), c.prompt, c.output, c.eos);
      if (ties == null || Arrays.stream(ties).sum() != 1) {
        continue;
      }
      alone++;
      Case cold = c.with(c.params.withTemperature(1e-9));
      Case greedy = c.with(c.params.withTemperature(0));
      assertThat(cold.sample(sampler)).as("case %d: %s", i, c).isEqualTo(greedy.sample(sampler));
    }
    assertThat(alone).isGreaterThan(CASES / 100);
  }

  @Test
  void filtersThatKeepEverythingChangeNoBit() {
    Random random = new Random(SEED + 3);
    for (int i = 0; i < CASES / 10; i++) {
      Case c = randomCase(random, 20);
      SamplingParams open = c.params.withTemperature(0.7).withTopK(-1).withTopP(1).withMinP(0);
      Case plain = c.with(open);
      double[] expected = distribution(plain);
      for (int topK : new int[] {0, 20, 21, Integer.MAX_VALUE}) {
        assertThat(distribution(c.with(open.withTopK(topK)))).containsExactly(expected);
      }
      // The largest p below 1 goes through all tokens; it drops only tokens lost in rounding.
      assertThat(distribution(c.with(open.withTopK(-1).withTopP(Math.nextDown(1.0)))))
          .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-12 ? 0 : Double.compare(a, b))
          .containsExactly(expected);
    }
  }

  @Test
  void drawsHaveTheDistributionThatWasComputedDirectly() {
    float[] logits = {1, 0.5f, -0.25f, 2, 0.5f, -1};
    List<SamplingParams> kinds =
        List.of(
            SamplingParams.defaults(),
            SamplingParams.defaults().withTemperature(2.5),
            SamplingParams.defaults().withTopK(4),
            SamplingParams.defaults().withTopP(0.8),
            SamplingParams.defaults().withMinP(0.2),
            SamplingParams.defaults().withTopK(5).withTopP(0.9).withMinP(0.1).withTemperature(0.8),
            SamplingParams.defaults()
                .withRepetitionPenalty(1.3)
                .withPresencePenalty(0.4)
                .withLogitBias(List.of(new TokenBias(5, 2))));
    int draws = 60_000;
    for (SamplingParams params : kinds) {
      double[] weights =
          ReferenceSampler.weights(logits, params, List.of(3), List.of(0), new int[0]);
      double total = Arrays.stream(weights).sum();
      double[] expected = Arrays.stream(weights).map(w -> w / total).toArray();
      History history = new History(6, 3);
      history.push(0);
      Sampler sampler = new Sampler(6);
      long[] bySeed = new long[6];
      long[] byChoice = new long[6];
      for (int i = 0; i < draws; i++) {
        bySeed[sampler.sample(logits, 0, params, history, i, 0)]++;
        byChoice[sampler.sample(logits, 0, params, history, 7, i)]++;
      }
      ChiSquare.check("seeds, " + params, bySeed, expected);
      ChiSquare.check("choices, " + params, byChoice, expected);
    }
  }

  @Test
  void drawsAtNeighbouringPositionsAreIndependent() {
    float[] logits = {1, 0.5f, 2};
    SamplingParams params = SamplingParams.defaults();
    double[] one = new double[3];
    Sampler sampler = new Sampler(3);
    sampler.distribution(logits, 0, params, new History(3), 0, one);
    long[] counts = new long[9];
    double[] expected = new double[9];
    for (int i = 0; i < 9; i++) {
      expected[i] = one[i / 3] * one[i % 3];
    }
    for (int seed = 0; seed < 60_000; seed++) {
      History history = new History(3);
      int first = sampler.sample(logits, 0, params, history, seed, 0);
      history.push(first);
      counts[3 * first + sampler.sample(logits, 0, params, history, seed, 0)]++;
    }
    ChiSquare.check("pairs of positions", counts, expected);
  }

  @Test
  void aTokenDoesNotDependOnWhatTheSamplerDrewBefore() {
    Random random = new Random(SEED + 4);
    int vocab = 40;
    int[] eos = {3};
    List<Case> cases = new ArrayList<>();
    List<Integer> alone = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      Case c = randomCase(random, vocab);
      cases.add(new Case(c.logits, c.params, c.prompt, c.output, eos, c.seed, c.choice));
      alone.add(cases.get(i).sample(new Sampler(vocab, eos)));
    }
    assertThat(alone.stream().distinct().count()).isGreaterThan(20);
    Sampler shared = new Sampler(vocab, eos);
    List<Integer> order = new ArrayList<>(IntStream.range(0, 500).boxed().toList());
    for (int round = 0; round < 5; round++) {
      Collections.shuffle(order, random);
      for (int i : order) {
        assertThat(cases.get(i).sample(shared)).isEqualTo(alone.get(i));
      }
    }
  }

  private static double[] distribution(Case c) {
    double[] found = new double[c.logits.length];
    try {
      new Sampler(c.logits.length, c.eos)
          .distribution(c.logits, 0, c.params, c.history(), c.choice, found);
    } catch (SamplingException e) {
      return new double[0];
    }
    return found;
  }

  /** Small logits on a grid, so that ties are common; sometimes zeros of both signs, infinities. */
  private static Case randomCase(Random random, int vocab) {
    float[] logits = new float[vocab];
    int kind = random.nextInt(4);
    for (int i = 0; i < vocab; i++) {
      int special = kind == 0 ? random.nextInt(12) : 12;
      logits[i] =
          switch (special) {
            case 0 -> -0.0f;
            case 1 -> 0.0f;
            case 2, 3 -> Float.NEGATIVE_INFINITY;
            case 4 -> random.nextInt(4) == 0 ? Float.POSITIVE_INFINITY : 3.4e38f;
            case 5 -> random.nextInt(20) == 0 ? Float.NaN : -3.4e38f;
            default -> kind == 1 ? (float) random.nextGaussian() * 4 : random.nextInt(9) * 0.5f - 2;
          };
    }
    SamplingParams params =
        SamplingParams.defaults()
            .withTemperature(random.nextInt(6) == 0 ? 0 : 0.05 + 2 * random.nextDouble());
    if (random.nextBoolean()) {
      params = params.withTopK(random.nextInt(vocab + 3) - 1);
    }
    if (random.nextBoolean()) {
      params = params.withTopP(1 - random.nextDouble());
    }
    if (random.nextInt(3) == 0) {
      params = params.withMinP(random.nextInt(4) == 0 ? 1 : random.nextDouble() / 2);
    }
    if (random.nextBoolean()) {
      params =
          params
              .withRepetitionPenalty(0.5 + random.nextDouble())
              .withFrequencyPenalty(random.nextDouble());
      params = params.withPresencePenalty(random.nextDouble() * 4 - 2);
    }
    if (random.nextInt(3) == 0) {
      double bias =
          random.nextInt(3) == 0 ? Double.NEGATIVE_INFINITY : random.nextInt(17) * 0.5 - 4;
      params = params.withLogitBias(List.of(new TokenBias(random.nextInt(vocab), bias)));
    }
    params =
        params.withStopTokenIds(List.of(random.nextInt(vocab))).withMinTokens(random.nextInt(4));
    params = params.withIgnoreEos(random.nextBoolean());
    return new Case(
        logits,
        params,
        tokens(random, vocab),
        tokens(random, vocab),
        new int[] {random.nextInt(vocab)},
        random.nextLong(),
        random.nextInt(5));
  }

  private static List<Integer> tokens(Random random, int vocab) {
    return random.ints(random.nextInt(6), 0, vocab).boxed().toList();
  }
}
