package orrery.openai;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.openai.Piece.Scored;
import orrery.sampling.Logprobs;
import orrery.sampling.Logprobs.TokenLogprob;
import orrery.text.TinyTokenizers;
import orrery.text.TinyTokenizers.Kind;
import orrery.text.Tokenizer;

class LogprobsJsonTest {
  @TempDir Path directory;
  private Tokenizer tokenizer;

  @BeforeEach
  void open() {
    tokenizer = TinyTokenizers.write(directory, Kind.SENTENCE_PIECE);
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  private interface Writing {
    void write(LogprobsJson from, JsonGenerator to) throws IOException;
  }

  private JsonNode written(Optional<Tokenizer> names, Writing what) throws IOException {
    return new JsonMapper().readTree(text(names, false, what));
  }

  private static String text(Optional<Tokenizer> names, boolean brief, Writing what)
      throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      what.write(new LogprobsJson(names, brief), json);
    }
    return text.toString();
  }

  private static List<Scored> scored(Logprobs... all) {
    return Arrays.stream(all).map(l -> new Scored(l.chosen().token(), l, 0)).toList();
  }

  private TokenLogprob token(String name, double logprob) {
    return new TokenLogprob(tokenizer.idOf(name).orElseThrow(), logprob);
  }

  @Test
  void aWordWithAndWithoutItsBlankAreTwoEntriesAndPartCharactersShowTheirBytes()
      throws IOException {
    List<TokenLogprob> top = List.of(token("▁true", -1), token("true", -2), token("<0xF0>", -3));
    Logprobs logprobs = new Logprobs(top.getFirst(), 1, top);
    JsonNode json =
        written(Optional.of(tokenizer), (out, to) -> out.completion(to, scored(logprobs)));
    assertThat(json)
        .hasToString(
            "{\"tokens\":[\" true\"],\"token_logprobs\":[-1.0],\"top_logprobs\":[{\" true\":-1.0,"
                + "\"true\":-2.0,\"bytes:\\\\xf0\":-3.0}],\"text_offset\":[0]}");
  }

  @Test
  void tokensThatAreSpelledAlikeStayApartAndTheDrawnOneHasThePlainName() throws IOException {
    List<TokenLogprob> top = List.of(token("c", -1), token("<0x63>", -2));
    String[] expected = {
      "{\"c\":-1.0,\"bytes:\\\\x63\":-2.0}", "{\"bytes:\\\\x63\":-1.0,\"c\":-2.0}"
    };
    for (int drawn = 0; drawn < 2; drawn++) {
      Logprobs logprobs = new Logprobs(top.get(drawn), 1 + drawn, top);
      JsonNode json =
          written(Optional.of(tokenizer), (out, to) -> out.completion(to, scored(logprobs)));
      assertThat(json.get("tokens").get(0).asText()).isEqualTo("c");
      assertThat(json.get("top_logprobs").get(0)).hasToString(expected[drawn]);
    }
  }

  @Test
  void theDrawnTokenIsAmongTheLikeliestInBothApis() throws IOException {
    List<TokenLogprob> top = List.of(new TokenLogprob(1, -1), new TokenLogprob(2, -2));
    Logprobs unlikely = new Logprobs(new TokenLogprob(9, -7), 5, top);
    Logprobs likely = new Logprobs(top.get(1), 2, top);
    Logprobs alone = new Logprobs(new TokenLogprob(9, -7), 5, List.of());
    List<Logprobs> all = List.of(unlikely, likely, alone);
    JsonNode completion =
        written(Optional.empty(), (out, to) -> out.completion(to, scored(unlikely, likely, alone)));
    assertThat(completion.get("top_logprobs"))
        .hasToString(
            "[{\"token_id:1\":-1.0,\"token_id:2\":-2.0,\"token_id:9\":-7.0},"
                + "{\"token_id:1\":-1.0,\"token_id:2\":-2.0},{\"token_id:9\":-7.0}]");
    JsonNode chat = written(Optional.empty(), (out, to) -> out.chat(to, all));
    assertThat(chat.get("content").findValues("top_logprobs"))
        .extracting(entries -> entries.findValuesAsText("token"))
        .containsExactly(
            List.of("token_id:1", "token_id:2", "token_id:9"),
            List.of("token_id:1", "token_id:2"),
            List.of());
  }

  @Test
  void aServerWritesTheNearestFloatAndAFileAllDigitsOfTheDouble() throws IOException {
    Logprobs third = new Logprobs(new TokenLogprob(1, -1 / 3.0), 1, List.of());
    Logprobs ruledOut = new Logprobs(new TokenLogprob(2, Double.NEGATIVE_INFINITY), 9, List.of());
    Writing both = (out, to) -> out.completion(to, scored(third, ruledOut));
    assertThat(text(Optional.empty(), true, both)).contains("[-0.33333334,-9999.0]");
    assertThat(text(Optional.empty(), false, both)).contains("[-0.3333333333333333,-9999.0]");
  }

  @Test
  void theFirstTokenOfAPromptHasANameAndNoLogProbability() throws IOException {
    Logprobs second = new Logprobs(new TokenLogprob(2, -1), 1, List.of(new TokenLogprob(2, -1)));
    List<Scored> prompt = List.of(new Scored(1, null, 0), new Scored(2, second, 4));
    assertThat(written(Optional.empty(), (out, to) -> out.completion(to, prompt)))
        .hasToString(
            "{\"tokens\":[\"token_id:1\",\"token_id:2\"],\"token_logprobs\":[null,-1.0],"
                + "\"top_logprobs\":[null,{\"token_id:2\":-1.0}],\"text_offset\":[0,4]}");
  }
}
