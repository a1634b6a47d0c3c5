package orrery.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares with ids made by Hugging Face's Python library: see {@code golden-text.json}. */
class TokenizerTest {
  static final Path FILE = Path.of("src/test/resources/orrery/text/tokenizer.json");
  private static final JsonMapper JSON = new JsonMapper();

  private static Tokenizer tokenizer;
  private static JsonNode golden;

  @TempDir Path directory;

  @BeforeAll
  static void open() throws IOException {
    tokenizer = Tokenizer.open(FILE);
    golden = JSON.readTree(FILE.resolveSibling("golden-text.json").toFile());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  static int[] ids(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
  }

  /** Without a lock the native library reads freed memory here, which ends the process. */
  @Test
  void closingWaitsForCallsOfOtherThreads() throws Exception {
    String text = "Once upon a time ".repeat(200);
    for (int round = 0; round < 5; round++) {
      Tokenizer closing = Tokenizer.open(FILE);
      CountDownLatch begun = new CountDownLatch(20);
      List<CompletableFuture<Void>> callers =
          Stream.generate(
                  () -> CompletableFuture.runAsync(() -> callUntilClosed(closing, text, begun)))
              .limit(2)
              .toList();
      begun.await();
      closing.close();
      for (CompletableFuture<Void> caller : callers) {
        assertThatThrownBy(caller::join)
            .hasCauseInstanceOf(IllegalStateException.class)
            .hasMessageEndingWith("this tokenizer is closed");
      }
    }
  }

  private static void callUntilClosed(Tokenizer tokenizer, String text, CountDownLatch begun) {
    while (true) {
      tokenizer.decode(tokenizer.encode(text), false);
      begun.countDown();
    }
  }

  @Test
  void idsAndTextsAreThoseOfHuggingFace() {
    assertThat(golden.get("strings").size()).isGreaterThan(10);
    for (JsonNode sample : golden.get("strings")) {
      String text = sample.get("text").textValue();
      int[] ids = ids(sample.get("ids"));
      assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
      assertThat(tokenizer.decode(ids, false)).isEqualTo(sample.get("decoded").textValue());
      assertThat(tokenizer.decode(ids, true)).isEqualTo(sample.get("decoded_skip").textValue());
    }
    for (JsonNode sample : golden.get("ids")) {
      assertThat(tokenizer.decode(ids(sample.get("ids")), false))
          .isEqualTo(sample.get("decoded").textValue());
    }
  }

  @Test
  void theVocabularyIsTheFilesOwn() {
    assertThat(tokenizer.vocabSize()).isEqualTo(golden.get("vocab_size").intValue());
    assertThat(tokenizer.idOf("<|end|>")).contains(0);
    assertThat(tokenizer.idOf("no such token")).isEmpty();
    assertThat(tokenizer.isSpecial(0)).isTrue();
    assertThat(tokenizer.isSpecial(4)).isFalse();
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      assertThat(tokenizer.idOf(tokenizer.name(id))).contains(id);
    }
  }

  @Test
  void verbatimTextNeverYieldsASpecialTokenAndEqualsHuggingFacesOwnSwitch() {
    for (JsonNode sample : golden.get("verbatim")) {
      String text = sample.get("text").textValue();
      assertThat(tokenizer.encodeVerbatim(text)).as(text).isEqualTo(ids(sample.get("ids")));
    }
    int[] marked = tokenizer.encodeVerbatim("\uFDD00\uFDD0 \uFDD01\uFDD0");
    assertThat(marked).doesNotContain(0, 1, 2, 3);
    assertThat(tokenizer.encodeVerbatim("<|end|>\uFDD00\uFDD0")).doesNotContain(0, 1, 2, 3);
  }

  @Test
  void aFileMayTruncatePadAndAddTokensButEncodingDoesNot() throws IOException {
    ObjectNode root = (ObjectNode) JSON.readTree(FILE.toFile());
    root.putObject("truncation")
        .put("direction", "Right")
        .put("max_length", 3)
        .put("strategy", "LongestFirst")
        .put("stride", 0);
    root.putObject("padding")
        .put("direction", "Right")
        .put("pad_id", 0)
        .put("pad_type_id", 0)
        .put("pad_token", "<|end|>")
        .putNull("pad_to_multiple_of")
        .putObject("strategy")
        .put("Fixed", 20);
    String text = golden.get("strings").get(0).get("text").textValue();
    try (Tokenizer other = write(root)) {
      assertThat(other.encode(text)).isEqualTo(tokenizer.encode(text));
      assertThat(other.encode("a")).isEqualTo(tokenizer.encode("a"));
    }
  }

  @Test
  void ordinaryAddedTokensStayRecognisedInVerbatimTextAndKeepTheirIds() throws IOException {
    ObjectNode root = (ObjectNode) JSON.readTree(FILE.toFile());
    addToken(root, 600, "<|extra|>", true);
    addToken(root, 601, "<keep>", false);
    try (Tokenizer other = write(root)) {
      assertThat(other.vocabSize()).isEqualTo(602);
      assertThat(other.encode("a<|extra|>b<keep>")).contains(600, 601);
      int[] ids = other.encodeVerbatim("a<|extra|>b<keep>");
      assertThat(ids).contains(601).doesNotContain(600);
      assertThat(other.decode(ids, false)).isEqualTo("a<|extra|>b<keep>");
    }
  }

  private static void addToken(ObjectNode root, int id, String content, boolean special) {
    ((ArrayNode) root.get("added_tokens"))
        .addObject()
        .put("id", id)
        .put("content", content)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", special);
  }

  private Tokenizer write(JsonNode root) throws IOException {
    JSON.writeValue(directory.resolve("tokenizer.json").toFile(), root);
    return Tokenizer.open(directory);
  }

  @Test
  void anUnpairedSurrogateCountsAsTheReplacementCharacter() {
    int[] expected = tokenizer.encode("a\uFFFDb");
    assertThat(tokenizer.encode("a\uD83Db")).isEqualTo(expected);
    assertThat(tokenizer.encode("a\uDE00b")).isEqualTo(expected);
    assertThat(tokenizer.encodeVerbatim("a\uDE00b")).isEqualTo(expected);
    assertThat(tokenizer.encode("\uD83D\uDE00\uD83D"))
        .isEqualTo(tokenizer.encode("\uD83D\uDE00\uFFFD"));
  }

  @Test
  void anIdOutsideTheVocabularyIsNamedWithTheRange() {
    for (int id : new int[] {-1, 600, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> tokenizer.decode(new int[] {5, id}, false))
          .isInstanceOf(TokenizerException.class)
          .hasMessageContaining("tokenizer.json")
          .hasMessageContaining("expected 0 to 599, found " + id);
    }
  }

  @Test
  void aFileThatIsMissingOrNoJsonOrNoTokenizerIsNamed() throws IOException {
    assertThatThrownBy(() -> Tokenizer.open(directory))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining(directory.resolve("tokenizer.json") + ": no such file");
    String[] bad = {
      "",
      "[]",
      "{\"model\": 5}",
      "{\"model\": {\"vocab\": {}}}",
      "{\"model\": {\"vocab\": {\"a\": 0}}}",
      "{\"model\": {\"vocab\": {\"a\": 2000000000}}}",
      "{\"added_tokens\": [{\"id\": 1}]}",
      "{\"a\": 1"
    };
    for (String json : bad) {
      Path file = Files.writeString(directory.resolve("tokenizer.json"), json);
      assertThatThrownBy(() -> Tokenizer.open(directory))
          .as(json)
          .isInstanceOf(TokenizerException.class)
          .hasMessageStartingWith(file + ": ");
    }
    byte[] latin1 = {'{', '"', (byte) 0xE4, '"', ':', '1', '}'};
    Files.write(directory.resolve("tokenizer.json"), latin1);
    assertThatThrownBy(() -> Tokenizer.open(directory))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("UTF-8");
  }

  @Test
  void fieldsThatAreNotReadMayHoldValuesThatOnlyPythonWrites() throws IOException {
    String more = "{\"limit\": Infinity, \"more\": [-Infinity, {\"x\":NaN}], \"id\":0,";
    String edited = Files.readString(FILE).replaceFirst("\\{\"id\":0,", more);
    assertThat(edited).contains(more);
    Path file = Files.writeString(directory.resolve("tokenizer.json"), edited);
    try (Tokenizer other = Tokenizer.open(file)) {
      String text = "Zoë said <|end|> twice, NaN times.";
      assertThat(other.encode(text)).isEqualTo(tokenizer.encode(text));
      assertThat(other.encodeVerbatim(text)).isEqualTo(tokenizer.encodeVerbatim(text));
    }
  }

  /** The native library would choose other ids than the file says. */
  @Test
  void aTokenWithTwoIdsAndAnIdWithTwoTokensAreRefused() throws IOException {
    assertRefused(
        t -> added(t).put("content", "<|end|>").put("id", 700),
        "token \"<|end|>\": expected one id, found a second");
    assertRefused(
        t -> added(t).put("content", "<|new|>").put("id", 0),
        "token \"<|new|>\": expected an id of its own, found that of \"<|end|>\"");
    assertRefused(
        t -> t.withObject("model").withObject("vocab").put("twice", 300),
        "token \"twice\": expected an id of its own, found that of ");
  }

  private static ObjectNode added(ObjectNode tokenizer) {
    return tokenizer.withArray("added_tokens").addObject().put("special", true);
  }

  private void assertRefused(Consumer<ObjectNode> edit, String message) throws IOException {
    ObjectNode root = (ObjectNode) JSON.readTree(FILE.toFile());
    edit.accept(root);
    Path file = directory.resolve("tokenizer.json");
    JSON.writeValue(file.toFile(), root);
    assertThatThrownBy(() -> Tokenizer.open(file))
        .isInstanceOf(TokenizerException.class)
        .hasMessageStartingWith(file + ": " + message);
  }

  @Test
  void theErrorForTextThatIsNotJsonShowsItsPlaceAndNothingOfTheParser() throws IOException {
    String[][] cases = {
      {"{\"model\": {\n\"vocab\": {\"a\" 1}}}", "valid JSON, found \"1}}}\" at line 2, column 15"},
      {"{\"model\": ", "valid JSON, found the end of the text at line 1, column 11"},
      {
        "{\"model\": {\"vocab\": {\"a\": 1, \"a\": 2}}}",
        "token \"a\": expected one id, found a second"
      },
      {"{\"model\": {\"vocab\": {\"a\": 1}}} {}", "nothing after the JSON object, found more"},
      {"[".repeat(2_000), "a JSON object, found something else"},
      {"{\"x\": " + "[".repeat(2_000), "valid JSON, found more than 1000 levels of nesting"}
    };
    for (String[] c : cases) {
      Path file = Files.writeString(directory.resolve("tokenizer.json"), c[0]);
      assertThatThrownBy(() -> Tokenizer.open(file))
          .isInstanceOf(TokenizerException.class)
          .hasMessageStartingWith(file + ": ")
          .hasMessageEndingWith(c[1]);
    }
  }

  @Test
  void fourHundredBrokenTokenizersAreOpenedOrRefusedWithTheirName() throws IOException {
    long seed = 4_711;
    Random random = new Random(seed);
    byte[] valid = Files.readAllBytes(FILE);
    int opened = 0;
    int refused = 0;
    for (int i = 0; i < 400; i++) {
      byte[] bytes = valid.clone();
      int edits = 1 + random.nextInt(3);
      for (int e = 0; e < edits; e++) {
        int at = random.nextInt(bytes.length);
        bytes[at] =
            random.nextBoolean()
                ? (byte) (' ' + random.nextInt(95))
                : "{}[]\",:0".getBytes()[random.nextInt(8)];
      }
      if (random.nextInt(10) == 0) {
        bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
      }
      Path file = Files.write(directory.resolve("tokenizer.json"), bytes);
      try (Tokenizer other = Tokenizer.open(file)) {
        assertThat(other.encodeVerbatim("Some text <|end|>")).isNotNull();
        opened++;
      } catch (TokenizerException e) {
        assertThat(e).hasMessageStartingWith(file + ": ");
        assertThat(e.getMessage().chars().noneMatch(Character::isISOControl)).isTrue();
        refused++;
      }
    }
    System.out.printf("tokenizer.json seed %d: %d opened, %d refused%n", seed, opened, refused);
    assertThat(opened).isPositive();
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void manyThreadsGetTheSameIds() {
    String text = "Zoë said <|end|> twice, 😀. ".repeat(20);
    int[] plain = tokenizer.encode(text);
    int[] verbatim = tokenizer.encodeVerbatim(text);
    IntStream.range(0, 200)
        .parallel()
        .forEach(
            i -> {
              assertThat(tokenizer.encode(text)).isEqualTo(plain);
              assertThat(tokenizer.encodeVerbatim(text)).isEqualTo(verbatim);
            });
  }

  @Test
  void openingATokenizerPutsTheLibraryOffline() {
    assertThat(ai.djl.util.Utils.isOfflineMode()).isTrue();
  }

  @Test
  void trimmingAPromptTakesOnlyBlanksAndOnlyAtItsEnd() {
    assertThat(Tokenizer.trimPrompt("  2 + 3 =  ")).isEqualTo("  2 + 3 =");
    assertThat(Tokenizer.trimPrompt("line\n")).isEqualTo("line\n");
    assertThat(Tokenizer.trimPrompt("   ")).isEmpty();
  }
}
