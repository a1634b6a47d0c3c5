package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.sampling.History;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;

class CoupledRuleTest {
  private static final long SEED = 118;
  private static final int VOCAB = 30;

  @Test
  void everyRowEmitsWhatPlainDecodingDrawsThere() {
    System.out.println("CoupledRuleTest seed " + SEED);
    Random random = new Random(SEED);
    CoupledRule rule = new CoupledRule(new Sampler(VOCAB, 0));
    Sampler plain = new Sampler(VOCAB, 0);
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      SamplingParams params =
          SamplingParams.defaults()
              .withTemperature(i % 5 == 0 ? 0 : 0.2 + random.nextDouble())
              .withTopK(random.nextInt(VOCAB))
              .withTopP(0.5 + random.nextDouble() / 2)
              .withRepetitionPenalty(0.8 + random.nextDouble())
              .withFrequencyPenalty(random.nextDouble())
              .withPresencePenalty(random.nextDouble())
              .withMinTokens(random.nextInt(4))
              .withLogitBias(List.of(new TokenBias(random.nextInt(VOCAB), 3)));
      int[] prompt = random.ints(random.nextInt(5), 0, VOCAB).toArray();
      History judged = new History(VOCAB, prompt);
      History decoded = new History(VOCAB, prompt);
      long seed = random.nextLong();
      Drafts drafts = new Drafts(new SamplingContext(params, judged, seed, i));
      random.ints(3, 0, 4).forEach(t -> drafts.add(t, null));
      float[] logits = new float[4 * VOCAB];
      for (int t = 0; t < logits.length; t++) {
        logits[t] = (float) random.nextGaussian() + (t % VOCAB < 4 ? 3 : 0);
      }
      for (int row = 0; row <= drafts.count(); row++) {
        int token = rule.judge(logits, row * VOCAB, drafts, row);
        assertThat(token)
            .as("case %d row %d", i, row)
            .isEqualTo(plain.sample(logits, row * VOCAB, params, decoded, seed, i));
        judged.push(token);
        decoded.push(token);
        if (row < drafts.count() && token != drafts.token(row)) {
          refused++;
          break;
        }
        accepted++;
      }
    }
    assertThat(accepted).isGreaterThan(1_000);
    assertThat(refused).isGreaterThan(1_000);
  }
}
