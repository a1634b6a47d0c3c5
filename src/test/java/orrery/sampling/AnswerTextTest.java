package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.text.StreamDecoder;
import orrery.text.Tokenizer;

class AnswerTextTest {

  private static final int EOS = 0;
  private static final int WORD = 7;
  private static final int TURN = 8; // the special token <|turn|>

  /** An answer's text in which the test sets the text of each token. */
  private static final class Checker {
    private final AnswerText text;
    private String piece = "";
    private String heldBack = "";

    Checker(SamplingParams params, int maxTokens) {
      StreamDecoder decoder =
          new StreamDecoder() {
            @Override
            public String append(int id) {
              return piece;
            }

            @Override
            public String special(int id) {
              return id == TURN ? "<|turn|>" : "";
            }

            @Override
            public String flush() {
              return heldBack;
            }
          };
      text = new AnswerText(params, new int[] {EOS}, maxTokens, decoder);
    }

    String accept(int token, String saying) {
      return accept(token, saying, "");
    }

    /**
     * @param then the text that the decoder holds from then on
     */
    String accept(int token, String saying, String then) {
      String before = text.text();
      piece = saying;
      heldBack = token == EOS || token == TURN ? heldBack : then;
      String shown = text.accept(token);
      assertThat(text.text()).isEqualTo(before + shown);
      return shown;
    }

    String abort(String cause) {
      String before = text.text();
      String shown = text.abort(cause);
      assertThat(text.text()).isEqualTo(before + shown);
      return shown;
    }

    boolean finished() {
      return text.finished();
    }

    FinishReason finishReason() {
      return text.finishReason();
    }

    int tokens() {
      return text.tokens();
    }
  }

  @Test
  void anEndOfSequenceTokenEndsTheAnswerAndIsNotShown() {
    Checker checker = checker(params());
    assertThat(checker.accept(WORD, "hello")).isEqualTo("hello");
    assertThat(checker.finished()).isFalse();
    assertThat(checker.accept(EOS, "</s>")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopToken(EOS));
    assertThat(checker.finishReason().type()).isEqualTo("stop");
    assertThat(checker.tokens()).isEqualTo(2);
  }

  @Test
  void anIgnoredEndOfSequenceTokenIsText() {
    Checker checker = checker(params().withIgnoreEos(true));
    assertThat(checker.accept(EOS, "</s>")).isEqualTo("</s>");
    assertThat(checker.finished()).isFalse();
  }

  @Test
  void aStopTokenEndsTheAnswerEvenWhenEosIsIgnored() {
    Checker checker = checker(params().withIgnoreEos(true).withStopTokenIds(List.of(300, 5)));
    assertThat(checker.accept(5, "x")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopToken(5));
  }

  @Test
  void aStopTokenOfAnyIdIsRecognized() {
    Checker checker = checker(params().withStopTokenIds(List.of(100_000)));
    checker.accept(100_000, "x");
    assertThat(checker.finished()).isTrue();
  }

  @Test
  void theLastTokenAllowedEndsTheAnswerWithAllItsText() {
    Checker checker = checker(params().withMaxTokens(2).withStop(List.of("llama")));
    assertThat(checker.accept(WORD, "a ")).isEqualTo("a ");
    assertThat(checker.accept(WORD, "lla")).isEqualTo("lla");
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.Length(2));
    assertThat(checker.finishReason().type()).isEqualTo("length");
  }

  @Test
  void theContextMayAllowLessThanTheRequest() {
    Checker checker = new Checker(params().withMaxTokens(9), 1);
    checker.accept(WORD, "a");
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.Length(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Checker(params(), 0))
        .withMessage("max_tokens: expected room for at least 1 token, found 0");
  }

  @Test
  void aStopAtTheLastTokenAllowedCountsAsAStop() {
    Checker byToken = checker(params().withMaxTokens(1));
    byToken.accept(EOS, "");
    assertThat(byToken.finishReason()).isEqualTo(new FinishReason.StopToken(EOS));
    Checker byText = checker(params().withMaxTokens(1).withStop(List.of("b")));
    assertThat(byText.accept(WORD, "abc")).isEqualTo("a");
    assertThat(byText.finishReason()).isEqualTo(new FinishReason.StopString("b"));
  }

  @Test
  void heldBackTextIsShownWhenAStopTokenOrAnAbortEndsTheAnswer() {
    Checker byToken = checker(params().withStop(List.of("###")));
    assertThat(byToken.accept(WORD, "a##")).isEqualTo("a");
    assertThat(byToken.accept(EOS, "")).isEqualTo("##");
    Checker byAbort = checker(params().withStop(List.of("###")));
    byAbort.accept(WORD, "a##");
    assertThat(byAbort.abort("client gone")).isEqualTo("##");
    assertThat(byAbort.finishReason()).isEqualTo(new FinishReason.Abort("client gone"));
    assertThat(byAbort.finishReason().type()).isEqualTo("abort");
  }

  @Test
  void stopsBeforeMinTokensAreIgnored() {
    SamplingParams params = params().withMinTokens(2).withStop(List.of("ab"));
    Checker checker = checker(params);
    assertThat(checker.accept(EOS, "ab")).isEqualTo("ab");
    assertThat(checker.accept(WORD, "xa")).isEqualTo("x");
    assertThat(checker.accept(WORD, "b")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopString("ab"));
    Checker byToken = checker(params);
    byToken.accept(EOS, "");
    byToken.accept(EOS, "");
    assertThat(byToken.finished()).isFalse();
    byToken.accept(EOS, "");
    assertThat(byToken.finished()).isTrue();
  }

  @Test
  void aStopStringThatEndsLaterMayOverlapOneThatCameTooEarly() {
    Checker checker = checker(params().withMinTokens(1).withStop(List.of("aa")));
    assertThat(checker.accept(WORD, "baa")).isEqualTo("ba");
    assertThat(checker.accept(WORD, "ac")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopString("aa"));
  }

  @Test
  void severalTokensAtOnceAreCutExactly() {
    // Speculation offers four tokens; the stop string ends within the third.
    String[] pieces = {"one ", "S", "TOP!", " more"};
    Checker checker = checker(params().withStop(List.of("STOP")));
    StringBuilder shown = new StringBuilder();
    for (int i = 0; i < pieces.length && !checker.finished(); i++) {
      shown.append(checker.accept(WORD, pieces[i]));
    }
    assertThat(shown.toString()).isEqualTo("one ");
    assertThat(checker.tokens()).isEqualTo(3);
    assertThatIllegalStateException()
        .isThrownBy(() -> checker.accept(WORD, " more"))
        .withMessageContaining("the answer has ended");
    assertThatIllegalStateException().isThrownBy(() -> checker.abort("late"));
  }

  @Test
  void heldTextGoesThroughTheSearchWhateverEndsTheAnswer() {
    Checker byEos = checker(params());
    byEos.accept(WORD, "a", "\uFFFD");
    assertThat(byEos.accept(EOS, "")).isEqualTo("\uFFFD");
    Checker byStopToken = checker(params().withStopTokenIds(List.of(EOS)).withIgnoreEos(true));
    byStopToken.accept(WORD, "a", "\uFFFD");
    assertThat(byStopToken.accept(EOS, "")).isEqualTo("\uFFFD");
    Checker byLength = checker(params().withMaxTokens(1).withStop(List.of("a\uFFFDb")));
    assertThat(byLength.accept(WORD, "xa", "\uFFFD")).isEqualTo("xa\uFFFD");
    assertThat(byLength.finishReason()).isEqualTo(new FinishReason.Length(1));
    Checker byAbort = checker(params());
    byAbort.accept(WORD, "a", "\uFFFD");
    assertThat(byAbort.abort("deadline")).isEqualTo("\uFFFD");
    Checker byName = checker(params().withStop(List.of("<|turn|>")));
    byName.accept(WORD, "a", "\uFFFD");
    assertThat(byName.accept(TURN, "")).isEqualTo("\uFFFD");
    assertThat(byName.finishReason()).isEqualTo(new FinishReason.StopString("<|turn|>"));
    Checker byString = checker(params().withStop(List.of("a")));
    assertThat(byString.accept(WORD, "xab", "\uFFFD")).isEqualTo("x"); // U+FFFD is after the stop
  }

  @Test
  void aStopStringFoundAtTheEndIsTheFinishReasonUnlessItCameTooEarly() {
    for (int ending = 0; ending < 3; ending++) {
      for (int min : new int[] {0, 2}) {
        Checker checker =
            checker(params().withMinTokens(min).withMaxTokens(2).withStop(List.of("b\n")));
        StringBuilder shown =
            new StringBuilder(checker.accept(WORD, "ab", ending == 1 ? "" : "\n"));
        switch (ending) {
          case 0 -> shown.append(checker.accept(EOS, ""));
          case 1 -> shown.append(checker.accept(WORD, "", "\n"));
          default -> shown.append(checker.abort("cancelled"));
        }
        if (min == 0) {
          assertThat(shown).hasToString("a");
          assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopString("b\n"));
        } else {
          assertThat(shown).hasToString("ab\n");
          assertThat(checker.finishReason().type()).isEqualTo(ending < 2 ? "length" : "abort");
        }
      }
    }
  }

  @Test
  void aSpecialTokenStopsByItsNameAndHasNoText() {
    Checker checker = checker(params().withStop(List.of("<|turn|>")));
    assertThat(checker.accept(WORD, "i like it")).isEqualTo("i like it");
    assertThat(checker.accept(TURN, "")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopString("<|turn|>"));
    Checker early = checker(params().withMinTokens(2).withStop(List.of("<|turn|>")));
    assertThat(early.accept(WORD, "a") + early.accept(TURN, "")).isEqualTo("a");
    assertThat(early.accept(WORD, "b") + early.accept(TURN, "")).isEqualTo("b");
    assertThat(early.finishReason()).isEqualTo(new FinishReason.StopString("<|turn|>"));
    Checker spelled = checker(params().withStop(List.of("<|turn|>")));
    assertThat(spelled.accept(WORD, "a<|tu") + spelled.accept(WORD, "rn|>b")).isEqualTo("a");
    assertThat(spelled.finishReason()).isEqualTo(new FinishReason.StopString("<|turn|>"));
  }

  @Test
  void aStopStringMayHoldTheNameOfASpecialTokenBesideText() {
    Checker checker = checker(params().withStop(List.of("ok<|turn|>go", "<|turn|>stop")));
    assertThat(checker.accept(WORD, "well ok")).isEqualTo("well ");
    assertThat(checker.accept(TURN, "")).isEmpty();
    assertThat(checker.accept(WORD, "g")).isEmpty();
    assertThat(checker.accept(WORD, "iant ok")).isEqualTo("okgiant ");
    assertThat(checker.accept(TURN, "") + checker.accept(WORD, "gone")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopString("ok<|turn|>go"));
  }

  @Test
  void theSearchIgnoresASpecialTokenThatNoStopStringNames() {
    Checker across = checker(params().withStop(List.of("okgo", "turn", ">")));
    assertThat(across.accept(WORD, "so ok")).isEqualTo("so ");
    assertThat(across.accept(TURN, "")).isEmpty();
    assertThat(across.accept(WORD, "gone")).isEmpty();
    assertThat(across.finishReason()).isEqualTo(new FinishReason.StopString("okgo"));
  }

  @Test
  void offsetsCountCharactersAndPointAtTheTextOfTheirToken() {
    Tokenizer tokenizer = Tokenizer.open(Path.of("tiny-models/storyteller-moe"));
    try (tokenizer) {
      int[] all = tokenizer.encode("a 😀 b"); // 😀 is more than one token
      int end = tokenizer.idOf("<|end|>").orElseThrow();
      assertThat(offsets(tokenizer, all)).startsWith(0).endsWith(3, 5).isSorted();
      int[] half = Arrays.copyOf(all, all.length - 1); // without " b", and then without its end
      half[half.length - 1] = all[all.length - 1];
      assertThat(offsets(tokenizer, half)).startsWith(0).endsWith(3, 5).isSorted(); // a \uFFFD b
      int[] ended = Arrays.copyOf(all, all.length - 2);
      assertThat(offsets(tokenizer, ended)).startsWith(0).endsWith(3).isSorted(); // a \uFFFD
      assertThat(offsets(tokenizer, new int[] {all[0], all[0]}, "aa")).containsExactly(0, 0);
    }
  }

  /**
   * The offsets of an answer's tokens; a stop token follows them unless the answer has ended
   * before.
   */
  private static int[] offsets(Tokenizer tokenizer, int[] tokens, String... stop) {
    SamplingParams params = params().withStop(List.of(stop));
    int[] prompt = {tokenizer.idOf("<|assistant|>").orElseThrow()};
    int eos = tokenizer.idOf("<|end|>").orElseThrow();
    AnswerText text = new AnswerText(params, new int[] {eos}, 99, tokenizer.continuing(prompt));
    for (int i = 0; i < tokens.length && !text.finished(); i++) {
      text.accept(tokens[i]);
    }
    if (!text.finished()) {
      text.accept(eos);
    }
    return text.offsets();
  }

  @Test
  void anUnfinishedAnswerHasNoReason() {
    assertThatIllegalStateException().isThrownBy(() -> checker(params()).finishReason());
  }

  @Test
  void theMatchThatEndsFirstWinsAndOfThoseTheLongest() {
    assertThat(run(List.of("abcd", "c"), "xabcd")).isEqualTo("xab|c");
    assertThat(run(List.of("c", "abc"), "xabcd")).isEqualTo("x|abc");
    assertThat(run(List.of("aab"), "aaab")).isEqualTo("a|aab");
    assertThat(run(List.of("abx"), "ababx")).isEqualTo("ab|abx");
    assertThat(run(List.of("b"), "aaa")).isEqualTo("aaa|null");
  }

  @Test
  void everySplitOfATextEndsItAtTheSamePlace() {
    List<List<String>> stops =
        List.of(
            List.of("</s>"),
            List.of("ä😀", "😀😀"),
            List.of("\n\n", "\nQ:"),
            List.of("aab", "ab", "b<"));
    List<String> texts = List.of("aä😀😀</s>b", "aab\nQ:\n\n", "😀ä😀\n", "aaaaab</s>");
    for (List<String> stop : stops) {
      for (String text : texts) {
        String expected = plainSearch(stop, text);
        for (int cuts = 0; cuts < 1 << text.length() - 1; cuts++) {
          assertThat(run(stop, pieces(text, cuts))).as("%s, %s", stop, text).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void randomTextsOverAFewLettersEndWherePlainSearchFindsTheStop() {
    long seed = 11;
    System.out.println("AnswerTextTest seed " + seed);
    Random random = new Random(seed);
    int found = 0;
    for (int i = 0; i < 20_000; i++) {
      List<String> stop = new ArrayList<>();
      for (int s = random.nextInt(4); s >= 0; s--) {
        stop.add(word(random, 1 + random.nextInt(5)));
      }
      String text = word(random, 1 + random.nextInt(20));
      String expected = plainSearch(stop, text);
      assertThat(run(stop, pieces(text, random.nextInt()))).as("%s", stop).isEqualTo(expected);
      found += expected.endsWith("|null") ? 0 : 1;
    }
    assertThat(found).isBetween(5_000, 19_500);
  }

  /**
   * The text shown of the pieces, "|", and the stop string. Also checks after each piece how much
   * is held back.
   */
  private static String run(List<String> stop, String... pieces) {
    Checker checker = checker(params().withStop(stop).withMaxTokens(100));
    StringBuilder read = new StringBuilder();
    StringBuilder shown = new StringBuilder();
    for (String piece : pieces) {
      read.append(piece);
      shown.append(checker.accept(WORD, piece));
      if (checker.finished()) {
        return shown + "|" + ((FinishReason.StopString) checker.finishReason()).matched();
      }
      String held = read.substring(shown.length());
      assertThat(held)
          .as("held back of %s, for %s", read, stop)
          .satisfiesAnyOf(
              text -> assertThat(text).isEmpty(),
              text -> assertThat(stop).anyMatch(s -> s.startsWith(text)),
              text -> assertThat(Character.isHighSurrogate(text.charAt(0))).isTrue());
      assertThat(shown)
          .satisfiesAnyOf(
              text -> assertThat(text.toString()).isEmpty(),
              text ->
                  assertThat(Character.isHighSurrogate(text.charAt(text.length() - 1))).isFalse());
    }
    return shown + checker.abort("no more text") + "|null";
  }

  private static String plainSearch(List<String> stop, String text) {
    for (int end = 1; end <= text.length(); end++) {
      String longest = null;
      for (String s : stop) {
        if (text.substring(0, end).endsWith(s)
            && (longest == null || s.length() > longest.length())) {
          longest = s;
        }
      }
      if (longest != null) {
        return text.substring(0, end - longest.length()) + "|" + longest;
      }
    }
    return text + "|null";
  }

  /** Cuts a text after character i if bit i is set. */
  private static String[] pieces(String text, int cuts) {
    List<String> pieces = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= text.length(); i++) {
      if (i == text.length() || (cuts >> i - 1 & 1) == 1) {
        pieces.add(text.substring(from, i));
        from = i;
      }
    }
    return pieces.toArray(String[]::new);
  }

  private static String word(Random random, int length) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < length; i++) {
      word.append((char) ('a' + random.nextInt(2 + random.nextInt(2))));
    }
    return word.toString();
  }

  private static SamplingParams params() {
    return SamplingParams.defaults();
  }

  private static Checker checker(SamplingParams params) {
    return new Checker(params, 1_000);
  }
}
