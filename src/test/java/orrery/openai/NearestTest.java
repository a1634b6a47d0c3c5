package orrery.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestTest {
  private static final List<String> NAMES =
      List.of("temperature", "top_p", "top_k", "max_tokens", "min_tokens", "n", "stop", "seed");

  @ParameterizedTest
  @CsvSource({
    "temprature, temperature",
    "temperatrue, temperature",
    "Temperature, temperature",
    "topP, top_p",
    "top-k, top_k",
    "maxTokens, max_tokens",
    "max_token, max_tokens",
    "stops, stop",
    "sede, seed"
  })
  void aMisspelledNameFindsTheRightOne(String written, String meant) {
    assertThat(Nearest.to(written, NAMES)).contains(meant);
  }

  @ParameterizedTest
  @CsvSource({"tools", "x", "beam_width", "response_format", "''"})
  void aNameFarFromAllOthersFindsNone(String written) {
    assertThat(Nearest.to(written, NAMES)).isEmpty();
  }

  @Test
  void swappedNeighboursAreOneStepAndDistanceHasNoDirection() {
    assertThat(Nearest.distance("ab", "ba")).isEqualTo(1);
    assertThat(Nearest.distance("kitten", "sitting")).isEqualTo(3);
    assertThat(Nearest.distance("sitting", "kitten")).isEqualTo(3);
    assertThat(Nearest.distance("", "abc")).isEqualTo(3);
  }
}
