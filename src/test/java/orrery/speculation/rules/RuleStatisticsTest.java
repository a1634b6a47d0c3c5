package orrery.speculation.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.grammar.Constraint;
import orrery.grammar.Grammars;
import orrery.sampling.ChiSquare;
import orrery.sampling.History;
import orrery.sampling.KeyedRandom;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.speculation.AcceptanceRule;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;
import orrery.text.Tokenizer;

/**
 * Compares draws of the rules with the distribution of plain sampling. The logits are golden ones
 * of the storyteller and of its MTP layer, for the same position.
 */
class RuleStatisticsTest {
  private static final int VOCAB = 2048;
  private static final int DRAWS = 100_000;
  private static final int CHOICE = 3;

  private static float[] logits; // [VOCAB] of the main model, for token POSITION
  private static float[] mtp; // [VOCAB] of the MTP layer, for the same token
  private static int[] ids; // [256]

  private final Sampler sampler = new Sampler(VOCAB);

  @BeforeAll
  static void takeTheTokenOfTheGoldenTextThatMainModelAndMtpLayerSeeMostDifferently() {
    try (SafetensorsFile golden = TinyModels.golden(Path.of("tiny-models/storyteller-moe"))) {
      int[] all = Arrays.stream(golden.tensor("ids").longs()).mapToInt(i -> (int) i).toArray();
      float[] main = golden.tensor("logits").floats();
      float[] drafter = golden.tensor("mtp.logits").floats();
      double least = 1;
      for (int row = 1; row < all.length; row++) {
        float[] candidate = Arrays.copyOfRange(main, row * VOCAB, (row + 1) * VOCAB);
        // Row t of the main model is for token t + 1, row t of the MTP layer for token t + 2.
        float[] draft = Arrays.copyOfRange(drafter, (row - 1) * VOCAB, row * VOCAB);
        ids = Arrays.copyOf(all, row + 1);
        double overlap = overlap(softmax(candidate), softmax(draft));
        if (overlap < least) {
          least = overlap;
          logits = candidate;
          mtp = draft;
        }
      }
      ids = Arrays.copyOf(all, 2);
      System.out.printf("RuleStatisticsTest: p and q share %.3f%n", least);
    }
  }

  private static float[] rows() {
    float[] rows = new float[2 * VOCAB];
    Arrays.fill(rows, Float.NaN);
    System.arraycopy(logits, 0, rows, VOCAB, VOCAB);
    return rows;
  }

  private static double[] softmax(float[] row) {
    double[] p = new double[VOCAB];
    new Sampler(VOCAB).distribution(row, 0, params(), history(), CHOICE, p);
    return p;
  }

  private static double overlap(double[] p, double[] q) {
    return IntStream.range(0, VOCAB).mapToDouble(t -> Math.min(p[t], q[t])).sum();
  }

  private static SamplingParams params() {
    return SamplingParams.defaults().withTemperature(1.5);
  }

  /** Everything that shapes p at once; the penalised token stands in the prompt. */
  private static SamplingParams shaped() {
    return params()
        .withTopK(60)
        .withTopP(0.97)
        .withMinP(0.001)
        .withRepetitionPenalty(1.2)
        .withLogitBias(List.of(new TokenBias(17, 4)));
  }

  private static History history() {
    return new History(VOCAB, ids);
  }

  private double[] target(SamplingParams params) {
    return distribution(logits, params);
  }

  private double[] distribution(float[] row, SamplingParams params) {
    double[] p = new double[VOCAB];
    sampler.distribution(row, 0, params, history(), CHOICE, p);
    return p;
  }

  /** Draws as a drafter does, from q, with the number of the DRAFT stream. */
  private static int draw(double[] q, long seed, int position) {
    double u = KeyedRandom.uniform(seed, CHOICE, position, KeyedRandom.DRAFT);
    double sum = 0;
    int drawn = -1;
    for (int t = 0; t < VOCAB && sum <= u; t++) {
      if (q[t] > 0) {
        sum += q[t];
        drawn = t;
      }
    }
    return drawn;
  }

  private static long[] count(IntUnaryOperator tokenOfSeed) {
    long[] counts = new long[VOCAB];
    for (int seed = 0; seed < DRAWS; seed++) {
      counts[tokenOfSeed.applyAsInt(seed)]++;
    }
    return counts;
  }

  /** A chi-square test over tokens by falling probability; the unlikely tokens share one cell. */
  private static void check(String what, long[] counts, double[] p) {
    int[] order =
        IntStream.range(0, VOCAB)
            .boxed()
            .sorted((a, b) -> Double.compare(p[b], p[a]))
            .mapToInt(i -> i)
            .toArray();
    int cells = 0;
    while (DRAWS * p[order[cells]] > 20) {
      cells++;
    }
    long[] merged = new long[cells + 1];
    double[] expected = new double[cells + 1];
    for (int i = 0; i < VOCAB; i++) {
      merged[Math.min(i, cells)] += counts[order[i]];
      expected[Math.min(i, cells)] += p[order[i]];
    }
    assertThat(cells).as("%s: broad enough to tell", what).isGreaterThan(20);
    if (DRAWS * expected[cells] <= 5) {
      merged[cells - 1] += merged[cells];
      expected[cells - 1] += expected[cells];
      merged = Arrays.copyOf(merged, cells);
      expected = Arrays.copyOf(expected, cells);
    }
    ChiSquare.check(what, merged, expected);
  }

  /** Judges the second row of a verification. */
  private int judge(AcceptanceRule rule, SamplingParams params, long seed, int draft, double[] q) {
    Drafts drafts = new Drafts(new SamplingContext(params, history, seed, CHOICE));
    drafts.add(5, null);
    drafts.add(draft, q);
    return rule.judge(rows, VOCAB, drafts, 1);
  }

  private final float[] rows = rows(); // [2][VOCAB], the first is never read
  private final History history = history(); // never changes: one row is judged

  @Test
  void targetOnlyEmitsTheTargetsDistributionWhateverTheDraft() {
    double[] p = target(params());
    int likeliest = 0;
    for (int t = 0; t < VOCAB; t++) {
      likeliest = p[t] > p[likeliest] ? t : likeliest;
    }
    int draft = likeliest;
    TargetOnlyRule rule = new TargetOnlyRule(sampler);
    long[] counts = count(seed -> judge(rule, params(), seed, draft, null));
    assertThat(counts[draft]).as("accepted drafts").isBetween(DRAWS / 200L, DRAWS * 199L / 200);
    check("target-only", counts, p);
  }

  @Test
  void rejectionEmitsTheTargetsDistributionForDraftsOfTheMtpLayer() {
    double[] q = distribution(mtp, params());
    RejectionRule rule = new RejectionRule(sampler);
    int[] kept = new int[1];
    long[] counts =
        count(
            seed -> {
              int draft = draw(q, seed, history.length());
              int token = judge(rule, params(), seed, draft, q);
              kept[0] += token == draft ? 1 : 0;
              return token;
            });
    double[] p = target(params());
    double overlap = overlap(p, q);
    System.out.printf("rejection: %.4f accepted, expected %.4f%n", kept[0] / 1e5, overlap);
    assertThat(overlap).isBetween(0.05, 0.95);
    double spread = Math.sqrt(overlap * (1 - overlap) * DRAWS);
    assertThat(kept[0] - overlap * DRAWS).isBetween(-4 * spread, 4 * spread);
    check("rejection", counts, p);
  }

  @Test
  void rejectionEmitsAShapedTargetsDistributionToo() {
    double[] q = distribution(mtp, params());
    RejectionRule rule = new RejectionRule(sampler);
    long[] counts = count(seed -> judge(rule, shaped(), seed, draw(q, seed, history.length()), q));
    check("rejection, shaped", counts, target(shaped()));
    assertThatThrownBy(() -> check("unshaped", counts, target(params())))
        .isInstanceOf(AssertionError.class);
  }

  /** Drafts of a drafter that knows the constraint, and of one that does not (prompt lookup). */
  @Test
  void underAConstraintTheRulesEmitTheRenormalisedDistribution() {
    SamplingParams constrained = params().withConstraint(wordsWithoutAnE());
    double[] p = target(constrained);
    double[] q = distribution(mtp, constrained);
    double[] free = distribution(mtp, params());
    RejectionRule rejection = new RejectionRule(sampler);
    TargetOnlyRule targetOnly = new TargetOnlyRule(sampler);
    int position = history.length();
    check(
        "rejection, constrained",
        count(seed -> judge(rejection, constrained, seed, draw(q, seed, position), q)),
        p);
    check(
        "rejection, a drafter without the constraint",
        count(seed -> judge(rejection, constrained, seed, draw(free, seed, position), free)),
        p);
    check(
        "target-only, a drafter without the constraint",
        count(seed -> judge(targetOnly, constrained, seed, draw(free, seed, position), null)),
        p);
  }

  private static Constraint wordsWithoutAnE() {
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("tiny-models/storyteller-moe"))) {
      return Grammars.of(tokenizer, VOCAB).regex("[^e]*");
    }
  }

  @Test
  void aWrongResidualWouldBeNoticed() {
    double[] p = target(params());
    double[] q = distribution(mtp, params());
    RejectionRule rule = new RejectionRule(sampler);
    long[] counts =
        count(
            seed -> {
              int draft = draw(q, seed, history.length());
              boolean accepted =
                  KeyedRandom.uniform(seed, CHOICE, history.length(), KeyedRandom.ACCEPT)
                      < rule.acceptance(p, q, draft);
              // A plain draw replaces a rejected draft.
              return accepted ? draft : sampler.sample(logits, 0, params(), history, seed, CHOICE);
            });
    assertThatThrownBy(() -> check("wrong residual", counts, p))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("chi-square");
  }

  @Test
  void theRowBehindTheLastDraftIsPlainDecoding() {
    for (AcceptanceRule rule : List.of(new TargetOnlyRule(sampler), new RejectionRule(sampler))) {
      for (int seed = 0; seed < 1_000; seed++) {
        Drafts none = new Drafts(new SamplingContext(shaped(), history, seed, CHOICE));
        assertThat(rule.judge(logits, 0, none, 0))
            .isEqualTo(sampler.sample(logits, 0, shaped(), history, seed, CHOICE));
      }
    }
  }
}
