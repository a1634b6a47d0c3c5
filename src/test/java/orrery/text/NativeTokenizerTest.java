package orrery.text;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers on which the native library aborts its process: only the text gets an error. */
class NativeTokenizerTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path directory;

  /** Words and letters, and an added token; {@code steps} are further fields of the file. */
  private Tokenizer open(String added, String steps) throws IOException {
    String model =
        "{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"the\":1,\""
            + " \":2,\"a\":3}}";
    return open(added, model, steps);
  }

  private Tokenizer open(String added, String model, String steps) throws IOException {
    String json = "{\"version\":\"1.0\",\"added_tokens\":[%s],\"model\":%s,%s}";
    Path file = directory.resolve("tokenizer.json");
    return Tokenizer.open(Files.writeString(file, json.formatted(added, model, steps)));
  }

  private static String token(int id, String content, boolean strips) {
    return JSON.createObjectNode()
        .put("id", id)
        .put("content", content)
        .put("single_word", false)
        .put("lstrip", strips)
        .put("rstrip", strips)
        .put("normalized", true)
        .put("special", false)
        .toString();
  }

  private static String steps(String normalizer, String splitter, String decoder) {
    return "\"normalizer\":%s,\"pre_tokenizer\":%s,\"decoder\":%s"
        .formatted(normalizer, splitter, decoder);
  }

  /**
   * Each normalizer leaves nothing of the zero-width token; the empty token then matches
   * everywhere.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
            + "\"strip_accents\":null,\"lowercase\":true}",
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\u200C\"},\"content\":\"\"}",
        "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},"
            + "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\u200C\"},\"content\":\"\"}]}",
      })
  void aTextInWhichAnEmptyTokenMatchesIsRefusedAndTheNextTextIsNot(String normalizer)
      throws IOException {
    String steps = steps(normalizer, "{\"type\":\"WhitespaceSplit\"}", "null");
    try (Tokenizer tokenizer = open(token(4, "\u200C", false), steps)) {
      int[] before = tokenizer.encode("the");
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> tokenizer.encode("£"))
            .isInstanceOf(TokenizerException.class)
            .hasMessageContaining("tokenizer.json: cannot take this text: the tokenizer library")
            .hasMessageContaining("bad split");
        assertThat(tokenizer.encode("the")).isEqualTo(before);
      }
    }
  }

  @Test
  void aTextWithBlanksThatTwoTokensTakeIsRefused() throws IOException {
    String added = token(4, "\n", true) + "," + token(5, "\t", true);
    try (Tokenizer tokenizer = open(added, steps("null", "null", "null"))) {
      for (String text : new String[] {"\n\n\t\t \n", "the", " \t\n \n\t"}) {
        try {
          assertThat(tokenizer.encode(text)).isNotEmpty();
        } catch (TokenizerException e) {
          assertThat(e).hasMessageContaining("cannot take this text");
        }
      }
      assertThat(tokenizer.encode("the")).containsExactly(1);
    }
  }

  /** A Strip that cuts two characters from a token of no characters, and from a token of one. */
  @Test
  void tokensThatAStripCutsTooShortAreRefusedAndOthersDecode() throws IOException {
    String strip = "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":2}";
    try (Tokenizer tokenizer = open(token(4, "yes  ", false), steps("null", "null", strip))) {
      assertThat(tokenizer.decode(new int[] {1, 4}, false)).isEqualTo("theyes");
      assertThatThrownBy(() -> tokenizer.decode(new int[] {1, 2}, false))
          .isInstanceOf(TokenizerException.class)
          .hasMessageContaining(
              "tokenizer.json: cannot decode these tokens: the tokenizer library");
      StreamDecoder stream = tokenizer.stream(true);
      assertThatThrownBy(() -> stream.append(2)).isInstanceOf(TokenizerException.class);
      assertThat(tokenizer.decode(new int[] {1, 4}, false)).isEqualTo("theyes");
    }
  }

  @Test
  void aPatternThatTriesTooManyWaysIsAnErrorOfThatTextOnly() throws IOException {
    String split =
        "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a+)+b|a\"},"
            + "\"behavior\":\"Isolated\",\"invert\":false}";
    try (Tokenizer tokenizer = open(token(4, "x", false), steps("null", split, "null"))) {
      assertThatThrownBy(() -> tokenizer.encode("a".repeat(40)))
          .isInstanceOf(TokenizerException.class)
          .hasMessageContaining("retry-limit-in-match over");
      assertThat(tokenizer.encode("aa")).containsExactly(3, 3);
    }
  }

  @Test
  void aLongTextThatGoesThroughAProcessOfItsOwnHasTheSameIds() throws IOException {
    String json = Files.readString(TokenizerTest.FILE);
    String text = "Zoë said <|end|> twice, 😀.\n\n ".repeat(LinkedTokenizer.MAX_CHARS / 20);
    assertThat(text.length()).isGreaterThan(LinkedTokenizer.MAX_CHARS);
    try (LinkedTokenizer tokenizer = new LinkedTokenizer(TokenizerTest.FILE, json)) {
      assertThat(tokenizer.encode(text)).isEqualTo(tokenizer.encodeHere(text));
    }
  }

  @Test
  void longTextsShareOneProcess() throws IOException {
    String json = Files.readString(TokenizerTest.FILE);
    String text = "word ".repeat(LinkedTokenizer.MAX_CHARS / 4);
    Set<ProcessHandle> before = ProcessHandle.current().children().collect(Collectors.toSet());
    try (LinkedTokenizer tokenizer = new LinkedTokenizer(TokenizerTest.FILE, json)) {
      int[] ids = tokenizer.encodeHere(text);
      IntStream.range(0, 6)
          .parallel()
          .forEach(i -> assertThat(tokenizer.encode(text)).isEqualTo(ids));
      assertThat(ProcessHandle.current().children().filter(p -> !before.contains(p))).hasSize(1);
    }
  }

  /** Texts wait for each other; the engine's thread, which decodes, waits for none of them. */
  @Test
  void tokensAreDecodedWhileATextIsEncoded() throws Exception {
    String json = Files.readString(TokenizerTest.FILE);
    try (TokenizerChild encoder = new TokenizerChild(TokenizerTest.FILE, json);
        TokenizerChild decoder = new TokenizerChild(TokenizerTest.FILE, json);
        NativeTokenizer forked = new ForkedTokenizer(encoder, decoder)) {
      int[] ids = forked.encode("Once upon a time");
      synchronized (encoder) { // as a long text holds it
        assertThat(CompletableFuture.supplyAsync(() -> forked.decode(ids, false)).get(60, SECONDS))
            .isEqualTo("Once upon a time");
      }
    }
  }

  @Test
  void anAnswerThatEndsTooEarlyIsAnErrorAndNoShorterText() {
    byte[] cut = {0, 0, 0, 9, 'h', 'a', 'l', 'f'}; // nine bytes are announced
    assertThatThrownBy(
            () -> TokenizerProcess.readText(new DataInputStream(new ByteArrayInputStream(cut))))
        .isInstanceOf(EOFException.class);
  }

  @Test
  void aProcessThatTakesTooLongIsEnded() throws IOException {
    String json = Files.readString(TokenizerTest.FILE);
    assertThatThrownBy(() -> new TokenizerChild(TokenizerTest.FILE, json, Duration.ofMillis(1)))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("cannot be loaded: the tokenizer library gave up on it")
        .hasMessageContaining("it took more than 1 ms");
  }

  @Test
  void aFileOnWhichTheLibraryAbortsWhileItReadsItIsRefusedByName() {
    String model =
        "{\"type\":\"BPE\",\"continuing_subword_prefix\":\"##\",\"vocab\":{\"a\":0,\"b\":1,"
            + "\"ab\":2},\"merges\":[[\"a\",\"b\"]]}";
    assertThatThrownBy(() -> open("", model, steps("null", "null", "null")))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("tokenizer.json: cannot be loaded: the tokenizer library gave up");
    assertThatThrownBy(() -> open("", steps("null", "{\"type\":\"NoSuchThing\"}", "null")))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("tokenizer.json: expected a tokenizer, found: ");
  }

  /** With a step that is not trusted, another process does the work; nothing else changes. */
  @Test
  void aTokenizerInAProcessOfItsOwnGivesTheSameIdsAndTexts() throws IOException {
    Path file = TokenizerTest.FILE;
    JsonNode golden = JSON.readTree(file.resolveSibling("golden-text.json").toFile());
    String json = Files.readString(file);
    try (NativeTokenizer forked = NativeTokenizer.of(file, json, false);
        NativeTokenizer linked = NativeTokenizer.of(file, json, true)) {
      assertThat(forked).isInstanceOf(ForkedTokenizer.class);
      for (JsonNode sample : golden.get("strings")) {
        int[] ids = TokenizerTest.ids(sample.get("ids"));
        assertThat(forked.encode(sample.get("text").textValue())).isEqualTo(ids);
        assertThat(linked.encode(sample.get("text").textValue())).isEqualTo(ids);
        assertThat(forked.decode(ids, false)).isEqualTo(sample.get("decoded").textValue());
        assertThat(forked.decode(ids, true)).isEqualTo(sample.get("decoded_skip").textValue());
      }
      assertThat(forked.encode("a\0b\uFFFDé😀")).isEqualTo(linked.encode("a\0b\uFFFDé😀"));
    }
  }

  /** Tokenizers like those of GPT, Llama, Qwen and DeepSeek need no second process. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"decoder\":{\"type\":\"ByteLevel\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}",
        "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[]},\"pre_tokenizer\":{\"type\":"
            + "\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
            + "\"[!-/()*+]?\\\\p{L}+|\\\\s+(?!\\\\S)\"}},{\"type\":\"Digits\"}]}}",
        "{\"normalizer\":{\"type\":\"NFC\"},\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"_\"},\"content\":\""
            + " \"},{\"type\":"
            + "\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"start\":1,\"stop\":0}]}}",
        "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
            + "\"_\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"_\"}]}}",
      })
  void theStepsOfCommonTokenizersAreTrusted(String steps) throws IOException {
    ObjectNode root = (ObjectNode) JSON.readTree(steps);
    root.set("model", JSON.readTree("{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}"));
    Vocabulary vocabulary = Vocabulary.parse(Path.of("tokenizer.json"), root.toString());
    assertThat(vocabulary.pipeline().trusted()).isTrue();
  }

  @Test
  void theShippedTokenizerIsTrusted() throws IOException {
    Path file = Path.of("tiny-models/storyteller-moe/tokenizer.json");
    assertThat(Vocabulary.parse(file, Files.readString(file)).pipeline().trusted()).isTrue();
  }
}
