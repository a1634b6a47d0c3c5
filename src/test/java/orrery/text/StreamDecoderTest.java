package orrery.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.text.TinyTokenizers.TURN;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.text.TinyTokenizers.Kind;

class StreamDecoderTest {
  private final Tokenizer tokenizer = Tokenizer.open(TokenizerTest.FILE);

  @TempDir Path directory;

  /** Streams all ids, and checks after each one that the text handed out begins the final text. */
  private static void streamsExactly(Tokenizer tokenizer, int[] ids, boolean skipSpecial) {
    String whole = tokenizer.decode(ids, skipSpecial);
    StreamDecoder stream = tokenizer.stream(skipSpecial);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      String piece = stream.append(id);
      if (!piece.isEmpty()) {
        assertThat(Character.isHighSurrogate(piece.charAt(piece.length() - 1))).isFalse();
        assertThat(Character.isLowSurrogate(piece.charAt(0))).isFalse();
      }
      text.append(piece);
      assertThat(whole).startsWith(text);
    }
    text.append(stream.flush());
    assertThat(text.toString()).as(Arrays.toString(ids)).isEqualTo(whole);
  }

  @Test
  void goldenTokenRunsStreamToTheirDecodedText() throws IOException {
    JsonNode golden =
        new JsonMapper().readTree(TokenizerTest.FILE.resolveSibling("golden-text.json").toFile());
    for (String kind : new String[] {"strings", "ids"}) {
      for (JsonNode sample : golden.get(kind)) {
        streamsExactly(tokenizer, TokenizerTest.ids(sample.get("ids")), false);
        streamsExactly(tokenizer, TokenizerTest.ids(sample.get("ids")), true);
      }
    }
  }

  @Test
  void aCharacterOfFourBytesComesWholeWithItsLastByteAndWithoutReplacementBefore() {
    int[] ids = tokenizer.encode("😀");
    assertThat(ids).hasSizeGreaterThan(1);
    StreamDecoder stream = tokenizer.stream(false);
    for (int i = 0; i < ids.length - 1; i++) {
      assertThat(stream.append(ids[i])).isEmpty();
    }
    assertThat(stream.append(ids[ids.length - 1])).isEqualTo("😀");
    assertThat(stream.flush()).isEmpty();
  }

  @Test
  void anUnfinishedCharacterIsReplacedAtTheEndAndTheDecoderIsAsNewAfterwards() {
    int first = tokenizer.encode("😀")[0];
    StreamDecoder stream = tokenizer.stream(false);
    assertThat(stream.append(first)).isEmpty();
    assertThat(stream.flush()).isEqualTo("\uFFFD");
    int[] word = tokenizer.encode("ok");
    StringBuilder text = new StringBuilder();
    for (int id : word) {
      text.append(stream.append(id));
    }
    assertThat(text + stream.flush()).isEqualTo("ok");
  }

  @Test
  void bytesThatNoCharacterContainsAreHandedOutAtOnceHoweverManyCome() {
    int broken = tokenizer.idOf("ÿ").orElseThrow(); // the letter of byte FF
    StreamDecoder stream = tokenizer.stream(false);
    for (int i = 0; i < 10_000; i++) {
      assertThat(stream.append(broken)).isEqualTo("\uFFFD");
    }
    assertThat(stream.flush()).isEmpty();
  }

  @Test
  void twentyThousandRandomByteRunsStreamAsTheNativeLibraryDecodesThem() {
    long seed = 99;
    System.out.println("byte runs seed " + seed);
    Random random = new Random(seed);
    int[] byteIds = new int[256]; // [byte] the token of each single byte, in alphabet order
    int found = 0;
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      if (tokenizer.name(id).length() == 1) {
        byteIds[found++] = id;
      }
    }
    assertThat(found).isEqualTo(256);
    int[] leads = {0xC3, 0xE0, 0xE4, 0xED, 0xEF, 0xF0, 0xF4, 0xF8, 0xFC};
    int[] leadIds = new int[leads.length];
    for (int i = 0; i < leads.length; i++) {
      leadIds[i] = tokenizer.idOf(String.valueOf((char) leads[i])).orElseThrow();
    }
    for (int run = 0; run < 20_000; run++) {
      int[] ids = new int[1 + random.nextInt(8)];
      for (int i = 0; i < ids.length; i++) {
        ids[i] =
            random.nextInt(3) == 0
                ? leadIds[random.nextInt(leadIds.length)]
                : byteIds[random.nextInt(256)];
      }
      streamsExactly(tokenizer, ids, false);
    }
  }

  @Test
  void specialTokensAreLeftOutOrSpelledOutAsAsked() {
    int[] ids = tokenizer.encode("a<|end|>b");
    StreamDecoder out = tokenizer.stream(true);
    StreamDecoder in = tokenizer.stream(false);
    StringBuilder without = new StringBuilder();
    StringBuilder with = new StringBuilder();
    for (int id : ids) {
      without.append(out.append(id));
      with.append(in.append(id));
    }
    assertThat(without.toString()).isEqualTo("ab");
    assertThat(with.toString()).isEqualTo("a<|end|>b");
  }

  @Test
  void anIdOutsideTheVocabularyIsRefused() {
    assertThatThrownBy(() -> tokenizer.stream(false).append(600))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("found 600");
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void randomTokensOfEveryKindOfTokenizerStreamToTheirDecodedText(Kind kind) {
    long seed = 5;
    System.out.println("streams of " + kind + " seed " + seed);
    Random random = new Random(seed);
    try (Tokenizer other = TinyTokenizers.write(directory, kind)) {
      int few = Math.min(13, other.vocabSize());
      for (int run = 0; run < 3_000; run++) {
        int[] ids = new int[1 + random.nextInt(12)];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = random.nextInt(random.nextBoolean() ? few : other.vocabSize());
        }
        streams(other.stream(true), ids, TinyTokenizers.text(other, ids));
        int cut = random.nextInt(ids.length);
        while (cut > 0 && other.bytes(ids[cut - 1])[0] < 0) {
          cut--; // a surrogate pair may not be in two texts
        }
        int[] prompt = Arrays.copyOf(ids, cut);
        int[] answer = Arrays.copyOfRange(ids, cut, ids.length);
        streams(
            other.continuing(prompt), answer, TinyTokenizers.continuation(other, prompt, answer));
      }
    }
  }

  private static void streams(StreamDecoder stream, int[] ids, String whole) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(stream.append(id));
      assertThat(whole).as(Arrays.toString(ids)).startsWith(text);
    }
    text.append(stream.flush());
    assertThat(text).as(Arrays.toString(ids)).hasToString(whole);
  }

  @Test
  void aByteTokenWaitsForItsCharacterAndNotForItsRun() {
    String cherokee = "ᏣᎳᎩᎦᏬᏂᎯᏍᏗᎢᏗᏙᎩᏯᏍᏗᎠᎴᎪᏪᎸᎢᏗ"; // 69 bytes
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.SENTENCE_PIECE)) {
      StreamDecoder stream = other.stream(true);
      for (int i = 0; i < cherokee.length(); i++) {
        byte[] utf8 = cherokee.substring(i, i + 1).getBytes(StandardCharsets.UTF_8);
        assertThat(stream.append(byteToken(other, utf8[0]))).isEmpty();
        assertThat(stream.append(byteToken(other, utf8[1]))).isEmpty();
        assertThat(stream.append(byteToken(other, utf8[2])))
            .isEqualTo(cherokee.substring(i, i + 1));
      }
      assertThat(stream.append(other.idOf("▁one").orElseThrow())).isEqualTo(" one");
      assertThat(stream.flush()).isEmpty();
    }
  }

  @Test
  void badBytesOfARunAreReplacedOneByOneAndItsCharactersStay() {
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.SENTENCE_PIECE)) {
      StreamDecoder stream = other.stream(true);
      StringBuilder text = new StringBuilder();
      for (int b : new int[] {'A', 0xE5, 0xA5, 'B', 0xFF, 0xC3, 0xA9, 0xF0, 0x9F}) {
        text.append(stream.append(byteToken(other, (byte) b)));
      }
      assertThat(text).hasToString("A\uFFFD\uFFFDB\uFFFDé");
      assertThat(stream.flush()).isEqualTo("\uFFFD\uFFFD");
    }
  }

  private static int byteToken(Tokenizer tokenizer, byte b) {
    return tokenizer.idOf("<0x%02X>".formatted(b & 0xFF)).orElseThrow();
  }

  @Test
  void anAnswerGoesOnBehindItsPromptAndBeginsBehindASpecialToken() {
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.SENTENCE_PIECE)) {
      assertThat(first(other, "▁one", "▁line")).isEqualTo(" one");
      assertThat(first(other, "▁one", "▁line", "▁")).isEqualTo(" one");
      assertThat(first(other, "▁one", "<0x0A>")).isEqualTo(" one");
      assertThat(first(other, "▁one", TURN)).isEqualTo("one");
      assertThat(first(other, "▁one", TURN, "<0x0A>")).isEqualTo("one");
      assertThat(first(other, "▁one", TURN, "▁", "▁")).isEqualTo("one");
      assertThat(first(other, "▁one", TURN, "▁line")).isEqualTo(" one");
    }
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.WORD_PIECE)) {
      assertThat(first(other, "one", "line")).isEqualTo(" one");
      assertThat(first(other, "one", TURN)).isEqualTo("one");
    }
  }

  /** The text of the answer "one". */
  private static String first(Tokenizer tokenizer, String... prompt) {
    int[] ids = Arrays.stream(prompt).mapToInt(t -> tokenizer.idOf(t).orElseThrow()).toArray();
    int one = tokenizer.idOf("▁one").or(() -> tokenizer.idOf("one")).orElseThrow();
    return tokenizer.continuing(ids).append(one);
  }

  @Test
  void aCharacterThatThePromptBeginsBelongsToTheAnswerThatCompletesIt() {
    for (Kind kind : List.of(Kind.BYTE_LEVEL, Kind.SENTENCE_PIECE)) {
      try (Tokenizer other = TinyTokenizers.write(directory, kind)) {
        int[] bytes = new int[4]; // 🥰
        byte[] utf8 = "🥰".getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 4; i++) {
          bytes[i] = tokenOf(other, utf8[i]);
        }
        int[] prompt = {tokenOf(other, (byte) 'x'), bytes[0], bytes[1]};
        StreamDecoder stream = other.continuing(prompt);
        assertThat(stream.append(bytes[2])).isEmpty();
        assertThat(stream.append(bytes[3])).isEqualTo("🥰");
        assertThat(other.continuing(prompt).append(tokenOf(other, (byte) 'y'))).isEqualTo("y");
        assertThat(other.continuing(prompt).flush()).isEmpty();
        StreamDecoder cut = other.continuing(prompt);
        assertThat(cut.append(bytes[2])).isEmpty();
        assertThat(cut.flush()).isEqualTo("\uFFFD");
      }
    }
  }

  private static int tokenOf(Tokenizer tokenizer, byte b) {
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      if (Arrays.equals(tokenizer.bytes(id), new byte[] {b})
          && (tokenizer.byteOf(id) >= 0 || tokenizer.cutsCharacters())) {
        return id;
      }
    }
    throw new IllegalArgumentException("no token of byte " + b);
  }

  /** Such a text has no exact stream, but no part of it may be lost. */
  @Test
  void textThatFollowsAfterADecoderChangedEarlierTextIsStillShown() {
    String replacing =
        """
        {"type": "Sequence", "decoders": [{"type": "Fuse"},
          {"type": "Replace", "pattern": {"String": "ab"}, "content": "X"}]}\
        """;
    try (Tokenizer other = TinyTokenizers.write(directory, replacing, List.of("a", "b", "c"))) {
      StreamDecoder stream = other.stream(true);
      assertThat(stream.append(0)).isEqualTo("a");
      assertThat(stream.append(1)).isEqualTo("X");
      assertThat(stream.append(2)).isEqualTo("c");
      assertThat(stream.append(0) + stream.append(2)).isEqualTo("ac");
    }
  }

  @Test
  void aTokenThatIsTheReplacementCharacterIsTextLikeAnyOther() {
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.SENTENCE_PIECE)) {
      StreamDecoder stream = other.stream(true);
      int replacement = other.idOf(TinyTokenizers.REPLACEMENT).orElseThrow();
      for (int i = 0; i < 200; i++) {
        assertThat(stream.append(replacement)).isEqualTo("\uFFFD");
      }
    }
  }

  @Test
  void aTokensBytesAreWhatItAddsToAText() {
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.SENTENCE_PIECE)) {
      assertThat(bytes(other, "▁true")).isEqualTo(" true".getBytes(StandardCharsets.UTF_8));
      assertThat(bytes(other, "true")).isEqualTo("true".getBytes(StandardCharsets.UTF_8));
      assertThat(bytes(other, "▁")).containsExactly(' ');
      assertThat(bytes(other, "<0xF0>")).containsExactly((byte) 0xF0);
      assertThat(bytes(other, "<0x0A>")).containsExactly('\n');
      assertThat(bytes(other, TURN)).isEqualTo(TURN.getBytes(StandardCharsets.UTF_8));
    }
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.WORD_PIECE)) {
      assertThat(bytes(other, "true")).isEqualTo(" true".getBytes(StandardCharsets.UTF_8));
      assertThat(bytes(other, "##true")).isEqualTo("true".getBytes(StandardCharsets.UTF_8));
      assertThat(bytes(other, TURN)).isEqualTo(TURN.getBytes(StandardCharsets.UTF_8));
    }
    try (Tokenizer other = TinyTokenizers.write(directory, Kind.BYTE_LEVEL_AND_MORE)) {
      assertThat(bytes(other, "¥½")).containsExactly((byte) 0xA5, (byte) 0xBD);
    }
  }

  private static byte[] bytes(Tokenizer tokenizer, String name) {
    return tokenizer.bytes(tokenizer.idOf(name).orElseThrow());
  }
}
