package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import orrery.grammar.Constraint;
import orrery.grammar.Grammars;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.text.StreamDecoder;

/** Tokens under a constraint: which are left, how likely each is, and where the answer ends. */
class ConstrainedSamplingTest {
  private static final List<String> TOKENS = List.of("", "a", "b", "ab", "c", "abc", "x", "é", "");
  private static final int VOCAB = TOKENS.size();
  private static final int EOS = 0;
  private static final int SPECIAL = 8;
  private static final Grammars GRAMMARS =
      Grammars.of(
          TOKENS.stream().map(t -> t.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new));

  private final Sampler sampler = new Sampler(VOCAB, EOS);

  private static SamplingParams matching(String pattern) {
    return SamplingParams.defaults().withConstraint(GRAMMARS.regex(pattern));
  }

  private static History behind(int... output) {
    History history = new History(VOCAB, 6);
    for (int token : output) {
      history.push(token);
    }
    return history;
  }

  private Set<Integer> possible(SamplingParams params, int... output) {
    double[] p = new double[VOCAB];
    sampler.distribution(new float[VOCAB], 0, params, behind(output), 0, p);
    return IntStream.range(0, VOCAB)
        .filter(t -> p[t] > 0)
        .boxed()
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void onlyTokensWithWhichTheTextCanStillMatchAreLeft() {
    assertThat(possible(matching("ab?c?"))).containsExactlyInAnyOrder(1, 3, 5);
    assertThat(possible(matching("ab?c?"), 1)).containsExactlyInAnyOrder(EOS, 2, 4);
    assertThat(possible(matching("ab?c?"), 3)).containsExactlyInAnyOrder(EOS, 4);
    assertThat(possible(matching(".*"))).doesNotContain(SPECIAL).contains(EOS, 7);
  }

  /** To the bit: what is left keeps its weights, and the sum runs over the same tokens. */
  @Test
  void theDistributionIsThatOfTheModelRenormalisedOverTheTokensThatAreLeft() {
    long seed = 11;
    System.out.println("constrained distributions: seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 1_000; i++) {
      float[] logits = new float[VOCAB]; // [VOCAB]
      for (int t = 0; t < VOCAB; t++) {
        logits[t] = (float) (3 * random.nextGaussian());
      }
      SamplingParams free =
          SamplingParams.defaults()
              .withTemperature(0.3 + random.nextDouble())
              .withRepetitionPenalty(1.3)
              .withPresencePenalty(0.5)
              .withLogitBias(List.of(new TokenBias(4, 2)))
              .withTopP(random.nextBoolean() ? 1 : 0.8)
              .withTopK(random.nextBoolean() ? -1 : 2);
      Constraint constraint = GRAMMARS.regex("(ab?|c)+x?");
      int[] output = {1};
      Set<Integer> left = Set.of(EOS, 1, 2, 3, 4, 5, 6);
      float[] masked = logits.clone(); // [VOCAB]
      for (int t = 0; t < VOCAB; t++) {
        masked[t] = left.contains(t) ? masked[t] : Float.NEGATIVE_INFINITY;
      }
      double[] expected = new double[VOCAB];
      sampler.distribution(masked, 0, free, behind(output), 0, expected);
      double[] found = new double[VOCAB];
      SamplingParams params = free.withConstraint(constraint);
      sampler.distribution(logits, 0, params, behind(output), 0, found);
      assertThat(found).as("case %d", i).isEqualTo(expected);
      assertThat(sampler.sample(logits, 0, params, behind(output), i, 0))
          .isEqualTo(sampler.sample(masked, 0, free, behind(output), i, 0));
    }
  }

  @Test
  void anEndIsAllowedWhereTheTextIsCompleteAndNowhereElse() {
    assertThat(possible(matching("abc")).toString()).isEqualTo("[1, 3, 5]");
    assertThat(possible(matching("abc|a+"), 1)).contains(EOS);
    SamplingParams stop = matching("a*b?").withStopTokenIds(List.of(2, 6));
    assertThat(possible(stop, 1)).as("b and x end it here").contains(EOS, 2, 6, 1);
    SamplingParams without = matching("abx").withStopTokenIds(List.of(2));
    assertThatThrownBy(() -> possible(without, 1)) // b would end the answer, and only b can follow
        .isInstanceOf(SamplingException.class);
  }

  @Test
  void beforeMinTokensNoEndIsLeftButAClosedTextEndsTheAnswer() {
    SamplingParams params = matching("a{1,3}").withMinTokens(3);
    assertThat(possible(params, 1)).containsExactly(1);
    AnswerText text = new AnswerText(params, new int[] {EOS}, 99, decoder());
    text.accept(1);
    text.accept(1);
    assertThat(text.finished()).isFalse();
    text.accept(1);
    assertThat(text.finishReason()).isEqualTo(new FinishReason.Complete());
    AnswerText early =
        new AnswerText(matching("a").withMinTokens(3), new int[] {EOS}, 99, decoder());
    assertThat(early.accept(1)).isEqualTo("a");
    assertThat(early.finishReason().type()).isEqualTo("stop");
  }

  @Test
  void withIgnoreEosTheTextGoesOnUntilNothingCanFollow() {
    assertThat(possible(matching("a{1,2}").withIgnoreEos(true), 1)).containsExactly(1);
    AnswerText text =
        new AnswerText(matching("ab").withIgnoreEos(true), new int[] {EOS}, 99, decoder());
    text.accept(3);
    assertThat(text.finishReason()).isEqualTo(new FinishReason.Complete());
  }

  @Test
  void aStopStringAndTheLengthMayCutTheTextShort() {
    AnswerText stop =
        new AnswerText(matching("abcx").withStop(List.of("c")), new int[] {EOS}, 99, decoder());
    assertThat(stop.accept(5)).isEqualTo("ab");
    assertThat(stop.finishReason()).isEqualTo(new FinishReason.StopString("c"));
    AnswerText length = new AnswerText(matching("abcx"), new int[] {EOS}, 1, decoder());
    length.accept(1);
    assertThat(length.finishReason()).isEqualTo(new FinishReason.Length(1));
    AnswerText both = new AnswerText(matching("a"), new int[] {EOS}, 1, decoder());
    both.accept(1);
    assertThat(both.finishReason())
        .as("complete at its last token")
        .isInstanceOf(FinishReason.Complete.class);
  }

  @Test
  void aBiasCannotBringAnExcludedTokenBackAndMayLeaveNone() {
    SamplingParams lifted = matching("a+").withLogitBias(List.of(new TokenBias(6, 100)));
    assertThat(possible(lifted)).containsExactly(1);
    double none = Double.NEGATIVE_INFINITY;
    SamplingParams banned = matching("a+").withLogitBias(List.of(new TokenBias(1, none)));
    assertThatThrownBy(() -> sampler.sample(new float[VOCAB], 0, banned, behind(), 1, 2))
        .isInstanceOf(SamplingException.class)
        .hasMessage(
            "choice 2, position 1: no token is left: every logit is -Infinity, by the model,"
                + " by logit_bias, by min_tokens or by the constraint");
  }

  @Test
  void aRolledBackHistoryIsInTheStateOfAShorterOne() {
    SamplingParams params = matching("(ab)*c");
    History history = behind(3, 3);
    assertThat(sampler.allows(4, params, history)).isTrue();
    history.push(1);
    assertThat(sampler.allows(4, params, history)).isFalse();
    history.push(6); // breaks it
    assertThat(IntStream.range(0, VOCAB).noneMatch(t -> sampler.allows(t, params, history)))
        .isTrue();
    history.rollback(1);
    assertThat(sampler.allows(5, params, history)).isTrue();
    assertThat(sampler.allows(2, params, history)).isFalse();
  }

  @Test
  void aConstraintOfAnotherVocabularyIsRefused() {
    assertThatThrownBy(() -> matching("a").requireTokensBelow(7))
        .hasMessage("constraint: expected one made for 7 token ids, found " + VOCAB);
  }

  private static StreamDecoder decoder() {
    return new StreamDecoder() {
      @Override
      public String append(int id) {
        return TOKENS.get(id);
      }

      @Override
      public String flush() {
        return "";
      }
    };
  }
}
