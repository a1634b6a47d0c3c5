package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.checkpoint.JsonText;
import orrery.grammar.Constraint;
import orrery.grammar.Grammars;
import orrery.observe.SpeculationStats;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;

/** The storyteller, which has never seen JSON, writes it by a schema: with and without drafts. */
class ConstrainedAnswersTest {
  private static final Path SCHEMA = Path.of("docs/examples/animal.schema.json");
  private static final Pattern NAME = Pattern.compile("[A-Z][a-z]{1,11}");
  private static LoadedModel model;
  private static Constraint schema;

  @BeforeAll
  static void load() throws IOException {
    model = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
    schema =
        Grammars.of(model.requireTokenizer(), model.model().vocab())
            .jsonSchema(JsonText.value(Files.readString(SCHEMA)));
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static EngineOptions options(SpeculationOptions speculation) {
    return EngineOptions.defaults().withSpeculation(_ -> speculation);
  }

  private static SpeculationOptions mtp() {
    return SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(3);
  }

  private static List<Request> requests() {
    List<Request> requests = new ArrayList<>();
    List<String> prompts =
        List.of(
            "Once upon a time there was a young duck named Tim. ", "The owl said: ", "sort: 3 1");
    for (int i = 0; i < 12; i++) {
      SamplingParams params =
          SamplingParams.defaults()
              .withTemperature(i % 3 == 0 ? 0 : 0.4 * (i % 3))
              .withRepetitionPenalty(i % 4 == 0 ? 1.1 : 1)
              .withMaxTokens(200)
              .withLogprobs(1)
              .withN(i % 2 + 1)
              .withSeed(i)
              .withConstraint(schema);
      int[] prompt = model.requireTokenizer().encode(prompts.get(i % 3));
      requests.add(Request.of(prompt, params));
    }
    return requests;
  }

  private static List<Answer> answers(SpeculationOptions speculation, SpeculationStats stats) {
    try (Engine engine = Engine.start(model, options(speculation), stats)) {
      return engine.submit(requests()).stream().flatMap(c -> c.join().stream()).toList();
    }
  }

  private static void check(Answer answer) {
    try {
      JsonNode json = JsonMapper.builder().build().readTree(answer.text());
      assertThat(answer.finish()).isEqualTo(new FinishReason.Complete());
      assertThat(json.get("name").textValue()).matches(NAME);
      assertThat(json.get("animal").textValue()).isIn("duck", "owl", "fox", "rabbit");
      assertThat(json.get("age").intValue()).isBetween(1, 12);
      assertThat(json.path("friends").size()).isLessThanOrEqualTo(3);
      json.path("friends").forEach(f -> assertThat(f.textValue()).matches(NAME));
      assertThat(Stream.of("name", "animal", "age", "friends").toList())
          .containsAll(json.properties().stream().map(java.util.Map.Entry::getKey).toList());
    } catch (IOException e) {
      throw new AssertionError(answer.text(), e);
    }
  }

  @Test
  void withAnyDrafterTheTextIsThatOfPlainDecodingToTheBitAndParses() {
    SpeculationStats stats = new SpeculationStats();
    List<String> plain =
        answers(SpeculationOptions.defaults(), new SpeculationStats()).stream()
            .peek(ConstrainedAnswersTest::check)
            .map(a -> Said.of(a).toString())
            .toList();
    List<SpeculationOptions> all =
        List.of(
            mtp(),
            mtp().withCoupledDrafts(false).withNumSteps(5),
            SpeculationOptions.defaults().withAlgorithm(Algorithm.NGRAM).withNgram(1, 3));
    for (SpeculationOptions speculation : all) {
      assertThat(answers(speculation, stats).stream().map(a -> Said.of(a).toString()).toList())
          .as(speculation.toString())
          .isEqualTo(plain);
    }
    System.out.printf(
        "constrained drafts: %d judged, %d accepted at the first position%n",
        stats.judged(0), stats.accepted(0));
    assertThat(stats.accepted(0)).isGreaterThan(100);
  }

  @Test
  void underEveryOtherRuleTheTextParsesToo() {
    for (Acceptance rule : List.of(Acceptance.TARGET_ONLY, Acceptance.REJECTION)) {
      answers(mtp().withAcceptance(rule), new SpeculationStats())
          .forEach(ConstrainedAnswersTest::check);
    }
  }

  @Test
  void pretendedAcceptanceTakesNoDraftThatBreaksTheText() {
    SpeculationOptions ngram =
        SpeculationOptions.defaults().withAlgorithm(Algorithm.NGRAM).withNgram(1, 3);
    for (SpeculationOptions s : List.of(mtp(), ngram)) {
      answers(s.withSyntheticAcceptLength(3), new SpeculationStats())
          .forEach(ConstrainedAnswersTest::check);
    }
  }
}
