package orrery.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StreamDecoderTest {
  private final Tokenizer tokenizer = Tokenizer.open(TokenizerTest.FILE);

  /** Streams all ids and checks after each that what was handed out still stands at the end. */
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
  void aByteThatNoCharacterContainsIsHandedOutAtOnceHoweverManyCome() {
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

  /** Llama's kind: ▁ for blanks, <0xE4> tokens for bytes, and the first blank stripped. */
  @Test
  void aSentencePieceStyleDecoderStreamsExactlyToo(@TempDir Path directory) throws IOException {
    String decoder =
        """
        {"type": "Sequence", "decoders": [
          {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
          {"type": "ByteFallback"}, {"type": "Fuse"},
          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}\
        """;
    String[] words = {"▁Once", "▁upon", "▁a", "▁", "time", ".", "你", "▁é"};
    try (Tokenizer other = pieces(directory, decoder, words)) {
      Random random = new Random(5);
      for (int run = 0; run < 2_000; run++) {
        int[] ids = new int[1 + random.nextInt(12)];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = random.nextInt(random.nextBoolean() ? words.length : other.vocabSize());
        }
        streamsExactly(other, ids, false);
      }
      int[] bytes = new int[3]; // 好
      int[] utf8 = {0xE5, 0xA5, 0xBD};
      for (int i = 0; i < 3; i++) {
        bytes[i] = other.idOf("<0x%02X>".formatted(utf8[i])).orElseThrow();
      }
      StreamDecoder stream = other.stream(false);
      assertThat(stream.append(0)).isEqualTo("Once");
      assertThat(stream.append(bytes[0]) + stream.append(bytes[1]) + stream.append(bytes[2]))
          .isEmpty();
      assertThat(stream.append(4)).isEqualTo("好time");
    }
  }

  @Test
  void aWordPieceDecoderStreamsExactlyToo(@TempDir Path directory) throws IOException {
    String decoder = "{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true}";
    String[] words = {"once", "up", "##on", "a", "time", ".", ",", "##s", "do", "n't"};
    try (Tokenizer other = pieces(directory, decoder, words)) {
      Random random = new Random(6);
      for (int run = 0; run < 500; run++) {
        int[] ids = random.ints(1 + random.nextInt(12), 0, words.length).toArray();
        streamsExactly(other, ids, false);
      }
    }
  }

  private static Tokenizer pieces(Path directory, String decoder, String[] words)
      throws IOException {
    JsonMapper json = new JsonMapper();
    ObjectNode root = json.createObjectNode();
    root.put("version", "1.0");
    root.putArray("added_tokens");
    root.set("decoder", json.readTree(decoder));
    ObjectNode vocab =
        root.putObject("model").put("type", "BPE").put("byte_fallback", true).putObject("vocab");
    for (String word : words) {
      vocab.put(word, vocab.size());
    }
    for (int b = 0; b < 256; b++) {
      vocab.put("<0x%02X>".formatted(b), vocab.size());
    }
    ((ObjectNode) root.get("model")).putArray("merges");
    json.writeValue(directory.resolve("tokenizer.json").toFile(), root);
    return Tokenizer.open(directory);
  }
}
