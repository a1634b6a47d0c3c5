package orrery.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.text.StreamDecoder;
import orrery.text.TinyTokenizers;
import orrery.text.TinyTokenizers.Kind;
import orrery.text.Tokenizer;

/** Masks over tokens of several bytes. */
class TokensTest {
  @TempDir private Path directory;

  private static Grammars of(String... tokens) {
    return Grammars.of(
        Stream.of(tokens).map(t -> t.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new));
  }

  /** The mask is what {@code next} says of each token by itself. */
  @Test
  void aMaskHasTheTokensThatLeadSomewhere() {
    long seed = 4;
    System.out.println("masks: seed " + seed);
    Random random = new Random(seed);
    RandomPattern patterns = new RandomPattern(random);
    byte[][] tokens = new byte[300][]; // [300][any number of]
    for (int t = 0; t < tokens.length; t++) {
      String text = t < 250 ? patterns.text() : "";
      tokens[t] = text.getBytes(StandardCharsets.UTF_8);
      if (tokens[t].length > 2 && random.nextInt(3) == 0) {
        tokens[t] = java.util.Arrays.copyOf(tokens[t], tokens[t].length - 1); // half a character
      }
    }
    Grammars grammars = Grammars.of(tokens);
    int allowed = 0;
    for (int p = 0; p < 300; p++) {
      Constraint constraint;
      try {
        constraint = grammars.regex(patterns.next());
      } catch (GrammarException e) {
        assertThat(e).hasMessageContaining("that the model's tokens can spell");
        continue;
      }
      int state = Constraint.START;
      for (int step = 0; step < 6 && !constraint.closed(state); step++) {
        long[] mask = constraint.mask(state);
        int next = Constraint.DEAD;
        for (int t = 0; t < tokens.length; t++) {
          boolean set = (mask[t >> 6] >>> t & 1) == 1;
          assertThat(set).isEqualTo(constraint.allows(state, t));
          allowed += set ? 1 : 0;
          next =
              set && (next == Constraint.DEAD || random.nextBoolean())
                  ? constraint.next(state, t)
                  : next;
        }
        assertThat(constraint.complete(state) || next != Constraint.DEAD)
            .as("tokens can always complete the text")
            .isTrue();
        state = next;
        if (state == Constraint.DEAD) {
          break;
        }
      }
    }
    assertThat(allowed).isGreaterThan(5_000);
  }

  /** z has no token, so b must not be taken although bytes could go on behind it. */
  @Test
  void aTokenIsExcludedIfOnlyMissingTokensCouldFollowIt() {
    Constraint constraint = of("a", "b", "c", "bc").regex("ac|bz|bcc");
    assertThat(constraint.allows(Constraint.START, 0)).isTrue();
    assertThat(constraint.allows(Constraint.START, 3)).isTrue();
    assertThat(constraint.allows(Constraint.START, 1)).as("bcc by c, c").isTrue();
    Constraint other = of("a", "b", "c").regex("ac|bz");
    assertThat(other.allows(Constraint.START, 1)).isFalse();
    assertThat(other.mask(Constraint.START)).containsExactly(0b001);
    assertThatThrownBy(() -> of("a").regex("b"))
        .hasMessage("regex: expected a text that the model's tokens can spell, found no such text");
  }

  @Test
  void aMaskThatWasDroppedIsComputedAgain() {
    byte[][] wide = new byte[1 << 20][0]; // so many that 16 masks fill the memory for masks
    for (int b = 0; b < 256; b++) {
      wide[b] = new byte[] {(byte) b};
    }
    Constraint constraint = Grammars.of(wide).regex("[a-c]{100}");
    long[] first = constraint.mask(Constraint.START).clone();
    int state = Constraint.START;
    for (int i = 0; i < 99; i++) {
      state = constraint.next(state, 'a');
      assertThat(constraint.mask(state)).isEqualTo(first);
    }
    assertThat(constraint.mask(Constraint.START)).isEqualTo(first);
  }

  @Test
  void specialTokensAndSpareRowsAreNoText() {
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("tiny-models/storyteller-moe"))) {
      int spare = tokenizer.vocabSize();
      Constraint any = Grammars.of(tokenizer, spare + 5).regex("(.|\\n)*");
      for (int id = 0; id < spare; id++) {
        byte[] bytes = tokenizer.bytes(id);
        int first = bytes[0] & 0xFF; // the bytes between these two begin no character
        boolean begins = first < 0x80 || first >= 0xC2 && first <= 0xF4;
        if (!tokenizer.isSpecial(id) && begins) {
          assertThat(any.allows(Constraint.START, id)).as(tokenizer.name(id)).isTrue();
        } else {
          assertThat(any.allows(Constraint.START, id)).as(tokenizer.name(id)).isFalse();
        }
      }
      assertThat(any.allows(Constraint.START, spare + 2)).isFalse();
    }
  }

  /** In SentencePiece style a first token ▁one is "one" in a chat, and " one" behind a word. */
  @Test
  void theTextMatchesAlsoWhereATokenizerLeavesOutABlank() {
    try (Tokenizer tokenizer = TinyTokenizers.write(directory, Kind.SENTENCE_PIECE)) {
      int turn = tokenizer.idOf(TinyTokenizers.TURN).orElseThrow();
      int word = tokenizer.idOf("▁one").orElseThrow();
      Grammars grammars = Grammars.of(tokenizer, tokenizer.vocabSize());
      Random random = new Random(6);
      for (int[] prompt : new int[][] {{turn}, {word}, {turn, word}}) {
        for (int i = 0; i < 100; i++) {
          String pattern = prompt[prompt.length - 1] == turn ? " ?[a-z]{3,12}" : " [a-z ]{3,12}";
          Constraint constraint = grammars.regex(pattern);
          assertThat(text(tokenizer, constraint, prompt, random)).matches(pattern);
        }
      }
      Constraint blank = grammars.regex(" one");
      assertThat(blank.allows(blank.start(new int[] {turn}), word)).isFalse();
      assertThat(blank.allows(blank.start(new int[] {word}), word)).isTrue();
    }
  }

  private static String text(Tokenizer tokenizer, Constraint constraint, int[] prompt, Random r) {
    StreamDecoder decoder = tokenizer.continuing(prompt);
    StringBuilder text = new StringBuilder();
    int state = constraint.start(prompt);
    while (!constraint.closed(state)) {
      long[] mask = constraint.mask(state);
      int token = r.nextInt(tokenizer.vocabSize());
      while ((mask[token >> 6] >>> token & 1) == 0) {
        token = (token + 1) % tokenizer.vocabSize();
      }
      text.append(decoder.append(token));
      state = constraint.next(state, token);
    }
    return text.append(decoder.flush()).toString();
  }

  @Test
  void whoAsksForTheSamePatternMeanwhileGetsTheSameConstraintOrTheSameError() {
    Grammars grammars = of("a", "b");
    for (int n = 1; n <= 20; n++) {
      String pattern = "(a|b){" + n + "}";
      List<Constraint> all =
          IntStream.range(0, 8).parallel().mapToObj(i -> grammars.regex(pattern)).toList();
      assertThat(all).allMatch(c -> c == all.getFirst());
      String unknown = "c{" + n + "}";
      IntStream.range(0, 8)
          .parallel()
          .forEach(
              i ->
                  assertThatThrownBy(() -> grammars.regex(unknown))
                      .isInstanceOf(GrammarException.class));
    }
  }
}
