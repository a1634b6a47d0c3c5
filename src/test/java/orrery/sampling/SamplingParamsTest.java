package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import orrery.sampling.SamplingParams.TokenBias;

class SamplingParamsTest {

  @Test
  void theDefaultsArePlainSampling() {
    assertThat(SamplingParams.defaults())
        .isEqualTo(
            new SamplingParams(
                1,
                -1,
                1,
                0,
                1,
                0,
                0,
                List.of(),
                List.of(),
                List.of(),
                false,
                0,
                128,
                -1,
                -1,
                0,
                1,
                OptionalLong.empty(),
                Optional.empty()));
  }

  @Test
  void copiesShareTheTablesOfTheirStopStrings() {
    SamplingParams params = SamplingParams.defaults().withStop(List.of("abab", "b"));
    SamplingParams copy = params.withSeed(7).withStop(params.stop()).withN(3);
    assertThat(copy.stopTexts().borders()).isSameAs(params.stopTexts().borders());
    assertThat(params.stopTexts().borders()).isEqualTo(new int[][] {{0, 0, 1, 2}, {0}});
    SamplingParams same = SamplingParams.defaults().withStop(List.of("abab", "b"));
    assertThat(same).isEqualTo(params).hasSameHashCodeAs(params).hasToString(params.toString());
    assertThat(List.of("abab", "b")).isEqualTo(params.stop());
  }

  @Test
  void aValueOutOfRangeIsRefusedWithFieldExpectationAndFinding() {
    refused(
        p -> p.withTemperature(-0.1),
        "temperature: expected a finite number of at least 0, found -0.1");
    refused(p -> p.withTemperature(Double.NaN), "temperature: expected .* NaN");
    refused(p -> p.withTemperature(1 / 0.0), "temperature: expected .* Infinity");
    refused(p -> p.withTopK(-2), "top_k: expected .*, found -2");
    refused(p -> p.withTopP(0), "top_p: expected .*, found 0.0");
    refused(p -> p.withTopP(1.01), "top_p: expected .*, found 1.01");
    refused(p -> p.withTopP(Double.NaN), "top_p: expected .*, found NaN");
    refused(p -> p.withMinP(-0.1), "min_p: expected .*, found -0.1");
    refused(p -> p.withMinP(1.1), "min_p: expected .*, found 1.1");
    refused(p -> p.withRepetitionPenalty(0), "repetition_penalty: .* found 0.0");
    refused(p -> p.withRepetitionPenalty(2.5), "repetition_penalty: .* found 2.5");
    refused(p -> p.withFrequencyPenalty(-3), "frequency_penalty: .* found -3.0");
    refused(p -> p.withPresencePenalty(3), "presence_penalty: .* found 3.0");
    refused(p -> p.withStop(List.of("a", "")), "stop: expected .* found \"\"");
    refused(p -> p.withStop(List.of("\uD83D")), "stop: expected .* surrogate pair");
    refused(p -> p.withStopTokenIds(List.of(-1)), "stop_token_ids: .* found -1");
    refused(p -> p.withMaxTokens(0), "max_tokens: expected .* found 0");
    refused(p -> p.withMinTokens(-1), "min_tokens: expected .* found -1");
    refused(
        p -> p.withMaxTokens(8).withMinTokens(9),
        "min_tokens: expected a number from 0 to max_tokens \\(8\\), found 9");
    refused(p -> p.withPromptLogprobs(21), "prompt_logprobs: expected .* found 21");
    refused(p -> p.withPromptLogprobs(-2), "prompt_logprobs: expected .* found -2");
    refused(p -> p.withLogprobStartLen(-1), "logprob_start_len: expected .* found -1");
    refused(p -> p.withLogprobs(21), "logprobs: expected .* found 21");
    refused(p -> p.withN(0), "n: expected .* found 0");
    refused(
        p -> p.withLogitBias(List.of(new TokenBias(3, 1), new TokenBias(3, 2))),
        "logit_bias: expected each token once, found 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenBias(-1, 1))
        .withMessage("logit_bias: expected token ids of at least 0, found -1");
    assertThatIllegalArgumentException().isThrownBy(() -> new TokenBias(1, Double.NaN));
    assertThatIllegalArgumentException().isThrownBy(() -> new TokenBias(1, 1 / 0.0));
  }

  @Test
  void aTokenThatTheModelDoesNotHaveIsRefused() {
    SamplingParams bias = SamplingParams.defaults().withLogitBias(List.of(new TokenBias(9, 1)));
    bias.requireTokensBelow(10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bias.requireTokensBelow(9))
        .withMessage("logit_bias: expected ids below the vocabulary size 9, found 9");
    SamplingParams stop = SamplingParams.defaults().withStopTokenIds(List.of(9));
    stop.requireTokensBelow(10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stop.requireTokensBelow(9))
        .withMessage("stop_token_ids: expected ids below the vocabulary size 9, found 9");
  }

  private static void refused(UnaryOperator<SamplingParams> change, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> change.apply(SamplingParams.defaults()))
        .withMessageMatching(message);
  }
}
