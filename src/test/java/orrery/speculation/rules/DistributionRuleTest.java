package orrery.speculation.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.sampling.Sampler;

/** Enumerates all outcomes of the published rules on tiny vocabularies, in double. */
class DistributionRuleTest {
  private static final long SEED = 7302;
  private static final double EXACT = 1e-12;

  static Stream<DistributionRule> rules() {
    Sampler unused = new Sampler(1);
    return Stream.of(new TargetOnlyRule(unused), new RejectionRule(unused));
  }

  /** The distribution of the token that one row emits, [vocab], for one fixed draft. */
  private static double[] emitted(DistributionRule rule, double[] p, double[] q, int draft) {
    double accepted = rule.acceptance(p, q, draft);
    double[] rest = new double[p.length];
    rule.residual(p, q, draft, rest);
    assertThat(accepted).isBetween(0.0, 1.0);
    assertThat(Arrays.stream(rest).sum()).isEqualTo(1, within(EXACT));
    assertThat(Arrays.stream(rest).min().orElseThrow()).isNotNegative();
    double[] out = new double[p.length];
    for (int t = 0; t < p.length; t++) {
      out[t] = (1 - accepted) * rest[t] + (t == draft ? accepted : 0);
    }
    return out;
  }

  @Test
  void aDraftDrawnFromTheDraftersDistributionIsReplacedByTheTargets() {
    System.out.println("DistributionRuleTest seed " + SEED);
    Random random = new Random(SEED);
    RejectionRule rule = new RejectionRule(new Sampler(1));
    for (int i = 0; i < 20_000; i++) {
      int vocab = 1 + random.nextInt(8);
      double[] p = distribution(random, vocab);
      double[] q = random.nextInt(20) == 0 ? p.clone() : distribution(random, vocab);
      double[] sum = new double[vocab];
      double overlap = 0;
      double kept = 0;
      for (int draft = 0; draft < vocab; draft++) {
        overlap += Math.min(p[draft], q[draft]);
        kept += q[draft] * rule.acceptance(p, q, draft);
        double[] row = emitted(rule, p, q, draft);
        for (int t = 0; t < vocab; t++) {
          sum[t] += q[draft] * row[t];
        }
      }
      assertSame(sum, p, "case " + i);
      assertThat(kept).as("acceptance is the overlap of p and q").isEqualTo(overlap, within(EXACT));
    }
  }

  @Test
  void anyFixedDraftIsReplacedByTheTargetsDistribution() {
    Random random = new Random(SEED + 1);
    for (int i = 0; i < 20_000; i++) {
      int vocab = 1 + random.nextInt(8);
      double[] p = distribution(random, vocab);
      double[] q = distribution(random, vocab);
      for (int draft = 0; draft < vocab; draft++) {
        for (DistributionRule rule : rules().toList()) {
          assertSame(emitted(rule, p, null, draft), p, rule + " case " + i);
        }
        assertSame(emitted(new TargetOnlyRule(new Sampler(1)), p, q, draft), p, "case " + i);
        if (q[draft] == 0) {
          assertSame(emitted(new RejectionRule(new Sampler(1)), p, q, draft), p, "case " + i);
        }
      }
    }
  }

  /** p and q depend on all tokens before. Plain decoding follows the emitted tokens. */
  @ParameterizedTest
  @MethodSource("rules")
  void aChainOfDraftsHasTheJointDistributionOfPlainSampling(DistributionRule rule) {
    for (int vocab = 2; vocab <= 4; vocab++) {
      for (int drafts = 1; drafts <= 3; drafts++) {
        for (int seed = 0; seed < 20; seed++) {
          Chain chain = new Chain(rule, vocab, drafts, SEED + seed);
          chain.draft(new ArrayList<>(), 1);
          double[] plain = new double[chain.joint.length];
          chain.plain(new ArrayList<>(), 1, plain);
          assertSame(chain.joint, plain, chain + " seed " + (SEED + seed));
        }
      }
    }
  }

  @Test
  void aWrongResidualIsFound() {
    double[] p = {0.5, 0.3, 0.2};
    double[] q = {0.2, 0.2, 0.6};
    RejectionRule rule = new RejectionRule(new Sampler(1));
    double[] sum = new double[3];
    for (int draft = 0; draft < 3; draft++) {
      double accepted = rule.acceptance(p, q, draft);
      for (int t = 0; t < 3; t++) {
        sum[t] += q[draft] * ((1 - accepted) * p[t] + (t == draft ? accepted : 0));
      }
    }
    assertThat(Math.abs(sum[2] - p[2])).isGreaterThan(0.05);
  }

  @Test
  void greedyPointMassesAcceptTheirTokenOnlyAndElseEmitIt() {
    double[] p = {0, 1, 0};
    double[] q = {0.5, 0.25, 0.25};
    for (DistributionRule rule : rules().toList()) {
      for (double[] drawn : new double[][] {q, null}) {
        for (int draft = 0; draft < 3; draft++) {
          assertThat(rule.acceptance(p, drawn, draft)).isEqualTo(draft == 1 ? 1 : 0);
        }
        double[] rest = new double[3];
        rule.residual(p, drawn, 0, rest);
        assertThat(rest).containsExactly(p);
      }
    }
  }

  private static void assertSame(double[] actual, double[] expected, String what) {
    for (int t = 0; t < expected.length; t++) {
      if (!(Math.abs(actual[t] - expected[t]) < EXACT)) {
        assertThat(actual).as(what).isEqualTo(expected);
      }
    }
  }

  /** A random distribution, sometimes with zeros, with ties, or with one token only. */
  private static double[] distribution(Random random, int vocab) {
    int kind = random.nextInt(5);
    double[] d = new double[vocab];
    for (int t = 0; t < vocab; t++) {
      d[t] =
          switch (kind) {
            case 0 -> random.nextInt(3);
            case 1 -> 0;
            case 2 -> random.nextBoolean() ? random.nextDouble() : 0;
            case 3 -> Math.exp(8 * random.nextGaussian());
            default -> random.nextDouble();
          };
    }
    double sum = Arrays.stream(d).sum();
    if (sum == 0) {
      d[random.nextInt(vocab)] = 1;
      return d;
    }
    return Arrays.stream(d).map(x -> x / sum).toArray();
  }

  /** One verification, enumerated over all drafts and all random numbers. */
  private record Chain(DistributionRule rule, int vocab, int drafts, long seed, double[] joint) {

    /** joint: [vocab^(drafts + 1)], the probability of each run of tokens. */
    Chain(DistributionRule rule, int vocab, int drafts, long seed) {
      this(rule, vocab, drafts, seed, new double[(int) Math.pow(vocab, drafts + 1)]);
    }

    private double[] distribution(List<Integer> before, int which) {
      return DistributionRuleTest.distribution(
          new Random(31 * (seed + 17 * before.hashCode() + which)), vocab);
    }

    private double[] p(List<Integer> before) {
      return distribution(before, 0);
    }

    private double[] q(List<Integer> before) {
      return distribution(before, 1);
    }

    /** Visits every chain of drafts, with the probability of drawing it. */
    void draft(List<Integer> guesses, double weight) {
      if (guesses.size() == drafts) {
        judge(guesses, new ArrayList<>(), weight);
        return;
      }
      for (int t = 0; t < vocab; t++) {
        double[] q = q(guesses);
        if (q[t] > 0) {
          guesses.add(t);
          draft(guesses, weight * q[t]);
          guesses.removeLast();
        }
      }
    }

    /**
     * Judges one row after the other. Plain decoding follows a token that is not its draft, and the
     * last row.
     */
    private void judge(List<Integer> guesses, List<Integer> emitted, double weight) {
      int i = emitted.size();
      if (i == drafts) {
        plain(emitted, weight, joint);
        return;
      }
      double[] p = p(emitted);
      double[] q = q(emitted);
      int draft = guesses.get(i);
      double accepted = rule.acceptance(p, q, draft);
      double[] rest = new double[vocab];
      rule.residual(p, q, draft, rest);
      emitted.add(draft);
      judge(guesses, emitted, weight * accepted);
      emitted.removeLast();
      for (int t = 0; t < vocab; t++) {
        emitted.add(t);
        plain(emitted, weight * (1 - accepted) * rest[t], joint);
        emitted.removeLast();
      }
    }

    void plain(List<Integer> emitted, double weight, double[] out) {
      if (emitted.size() == drafts + 1) {
        int index = 0;
        for (int t : emitted) {
          index = index * vocab + t;
        }
        out[index] += weight;
        return;
      }
      double[] p = p(emitted);
      for (int t = 0; t < vocab; t++) {
        emitted.add(t);
        plain(emitted, weight * p[t], out);
        emitted.removeLast();
      }
    }

    @Override
    public String toString() {
      return rule.getClass().getSimpleName() + ", vocab " + vocab + ", drafts " + drafts;
    }
  }
}
