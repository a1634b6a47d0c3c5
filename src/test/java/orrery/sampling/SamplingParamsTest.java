package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import orrery.sampling.SamplingParams.TokenBias;

class SamplingParamsTest {

  @Test
  void theDefaultsArePlainSampling() {
    assertThat(SamplingParams.builder().build())
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
                1,
                OptionalLong.empty()));
  }

  @Test
  void everySetterSetsItsOwnField() {
    SamplingParams params =
        SamplingParams.builder()
            .temperature(0.5)
            .topK(3)
            .topP(0.25)
            .minP(0.125)
            .repetitionPenalty(1.5)
            .frequencyPenalty(0.75)
            .presencePenalty(-0.75)
            .logitBias(List.of(new TokenBias(4, -1)))
            .stop(List.of("end"))
            .stopTokenIds(List.of(5))
            .ignoreEos(true)
            .minTokens(6)
            .maxTokens(7)
            .logprobs(8)
            .n(9)
            .seed(10)
            .build();
    assertThat(params)
        .isEqualTo(
            new SamplingParams(
                0.5,
                3,
                0.25,
                0.125,
                1.5,
                0.75,
                -0.75,
                List.of(new TokenBias(4, -1)),
                List.of("end"),
                List.of(5),
                true,
                6,
                7,
                8,
                9,
                OptionalLong.of(10)));
  }

  @Test
  void aValueOutOfRangeIsRefusedWithFieldExpectationAndFinding() {
    SamplingParamsBuilder temperature = SamplingParams.builder().temperature(-0.1);
    refused(temperature, "temperature: expected a finite number of at least 0, found -0.1");
    refused(SamplingParams.builder().temperature(Double.NaN), "temperature: expected .* NaN");
    refused(SamplingParams.builder().temperature(1 / 0.0), "temperature: expected .* Infinity");
    refused(SamplingParams.builder().topK(-2), "top_k: expected .*, found -2");
    refused(SamplingParams.builder().topP(0), "top_p: expected .*, found 0.0");
    refused(SamplingParams.builder().topP(1.01), "top_p: expected .*, found 1.01");
    refused(SamplingParams.builder().topP(Double.NaN), "top_p: expected .*, found NaN");
    refused(SamplingParams.builder().minP(-0.1), "min_p: expected .*, found -0.1");
    refused(SamplingParams.builder().minP(1.1), "min_p: expected .*, found 1.1");
    refused(SamplingParams.builder().repetitionPenalty(0), "repetition_penalty: .* found 0.0");
    refused(SamplingParams.builder().repetitionPenalty(2.5), "repetition_penalty: .* found 2.5");
    refused(SamplingParams.builder().frequencyPenalty(-3), "frequency_penalty: .* found -3.0");
    refused(SamplingParams.builder().presencePenalty(3), "presence_penalty: .* found 3.0");
    refused(SamplingParams.builder().stop(List.of("a", "")), "stop: expected .* found \"\"");
    refused(SamplingParams.builder().stop(List.of("\uD83D")), "stop: expected .* surrogate pair");
    refused(SamplingParams.builder().stopTokenIds(List.of(-1)), "stop_token_ids: .* found -1");
    refused(SamplingParams.builder().maxTokens(0), "max_tokens: expected .* found 0");
    refused(SamplingParams.builder().minTokens(-1), "min_tokens: expected .* found -1");
    refused(
        SamplingParams.builder().minTokens(9).maxTokens(8),
        "min_tokens: expected a number from 0 to max_tokens \\(8\\), found 9");
    refused(SamplingParams.builder().logprobs(21), "logprobs: expected .* found 21");
    refused(SamplingParams.builder().n(0), "n: expected .* found 0");
    refused(
        SamplingParams.builder().logitBias(List.of(new TokenBias(3, 1), new TokenBias(3, 2))),
        "logit_bias: expected each token once, found 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenBias(-1, 1))
        .withMessage("logit_bias: expected token ids of at least 0, found -1");
    assertThatIllegalArgumentException().isThrownBy(() -> new TokenBias(1, Double.NaN));
    assertThatIllegalArgumentException().isThrownBy(() -> new TokenBias(1, 1 / 0.0));
  }

  @Test
  void aTokenThatTheModelDoesNotHaveIsRefused() {
    SamplingParams bias = SamplingParams.builder().logitBias(List.of(new TokenBias(9, 1))).build();
    bias.requireTokensBelow(10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bias.requireTokensBelow(9))
        .withMessage("logit_bias: expected ids below the vocabulary size 9, found 9");
    SamplingParams stop = SamplingParams.builder().stopTokenIds(List.of(9)).build();
    stop.requireTokensBelow(10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stop.requireTokensBelow(9))
        .withMessage("stop_token_ids: expected ids below the vocabulary size 9, found 9");
  }

  private static void refused(SamplingParamsBuilder params, String message) {
    assertThatIllegalArgumentException().isThrownBy(params::build).withMessageMatching(message);
  }
}
