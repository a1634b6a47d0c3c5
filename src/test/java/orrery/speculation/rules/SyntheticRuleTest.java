package orrery.speculation.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.sampling.History;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.speculation.CoupledRule;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;

class SyntheticRuleTest {
  private static final int VOCAB = 8;
  private static final int VERIFICATIONS = 20_000;

  private final Sampler sampler = new Sampler(VOCAB);

  /**
   * Tokens that a verification emits on average. As in the engine, a draft is accepted if it is the
   * emitted token.
   */
  private double emitted(double length, int count, double temperature, int guess) {
    SyntheticRule rule = new SyntheticRule(sampler, length);
    Random random = new Random(5);
    SamplingParams params = SamplingParams.defaults().withTemperature(temperature);
    History history = new History(VOCAB, 1, 2);
    long tokens = 0;
    for (int v = 0; v < VERIFICATIONS; v++) {
      Drafts drafts = new Drafts(new SamplingContext(params, history, 99, 0));
      for (int i = 0; i < count; i++) {
        drafts.add(guess, null);
      }
      float[] logits = new float[VOCAB];
      for (int i = 0; ; i++) {
        for (int t = 0; t < VOCAB; t++) {
          logits[t] = (float) random.nextGaussian() + (t == 3 ? 2 : 0);
        }
        int token = rule.judge(logits, 0, drafts, i);
        history.push(token);
        tokens++;
        if (i == drafts.count() || token != drafts.token(i)) {
          break;
        }
      }
    }
    return (double) tokens / VERIFICATIONS;
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 1.3, 2, 2.61, 3.5, 4})
  void aVerificationEmitsTheWantedLengthOnAverage(double length) {
    double spread = 4 * 0.5 / Math.sqrt(VERIFICATIONS);
    assertThat(emitted(length, 3, 1, 5)).isEqualTo(length, within(spread));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3, 1})
  void draftsThatTheModelLikesDoNotMakeItLonger(double temperature) {
    double spread = 4 * 0.5 / Math.sqrt(VERIFICATIONS);
    assertThat(emitted(2.25, 5, temperature, 3)).isEqualTo(2.25, within(spread));
  }

  @Test
  void tooFewDraftsEndAVerificationWithoutInventingOne() {
    assertThat(emitted(3.5, 0, 1, 5)).isEqualTo(1);
    assertThat(emitted(3.5, 1, 1, 5)).isEqualTo(2);
  }

  @Test
  void allRowsOfAVerificationAgreeOnItsLength() {
    SamplingParams params = SamplingParams.defaults().withTemperature(0);
    float[] logits = new float[VOCAB]; // all equal, so the sampler draws token 0
    SyntheticRule rule = new SyntheticRule(sampler, 2.5);
    int shorter = 0;
    for (int seed = 0; seed < 200; seed++) {
      History history = new History(VOCAB, 1, 2);
      Drafts drafts = new Drafts(new SamplingContext(params, history, seed, 0));
      for (int i = 0; i < 4; i++) {
        drafts.add(5, null);
      }
      int accepted = 0;
      while (rule.judge(logits, 0, drafts, accepted) == 5) {
        history.push(5);
        accepted++;
      }
      assertThat(accepted).isBetween(1, 2);
      shorter += accepted == 1 ? 1 : 0;
    }
    assertThat(shorter).isBetween(60, 140);
  }

  @Test
  void itSaysThatItIsSynthetic() {
    assertThat(new SyntheticRule(sampler, 2).synthetic()).isTrue();
    assertThat(new CoupledRule(sampler).synthetic()).isFalse();
    assertThatThrownBy(() -> new SyntheticRule(sampler, 0.5)).hasMessageContaining("0.5");
  }
}
