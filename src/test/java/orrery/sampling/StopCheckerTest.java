package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopCheckerTest {

  private static final int EOS = 0;
  private static final int WORD = 7;

  @Test
  void anEndOfSequenceTokenEndsTheAnswerAndIsNotShown() {
    StopChecker checker = checker(params());
    assertThat(checker.accept(WORD, "hello")).isEqualTo("hello");
    assertThat(checker.finished()).isFalse();
    assertThat(checker.accept(EOS, "</s>")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopToken(EOS));
    assertThat(checker.finishReason().type()).isEqualTo("stop");
    assertThat(checker.tokens()).isEqualTo(2);
  }

  @Test
  void anIgnoredEndOfSequenceTokenIsText() {
    StopChecker checker = checker(params().ignoreEos(true));
    assertThat(checker.accept(EOS, "</s>")).isEqualTo("</s>");
    assertThat(checker.finished()).isFalse();
  }

  @Test
  void aStopTokenEndsTheAnswerEvenWhenEosIsIgnored() {
    StopChecker checker = checker(params().ignoreEos(true).stopTokenIds(List.of(300, 5)));
    assertThat(checker.accept(5, "x")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopToken(5));
  }

  @Test
  void aStopTokenOfAnyIdIsRecognized() {
    StopChecker checker = checker(params().stopTokenIds(List.of(100_000)));
    checker.accept(100_000, "x");
    assertThat(checker.finished()).isTrue();
  }

  @Test
  void theLastTokenAllowedEndsTheAnswerWithAllItsText() {
    StopChecker checker = checker(params().maxTokens(2).stop(List.of("llama")));
    assertThat(checker.accept(WORD, "a ")).isEqualTo("a ");
    assertThat(checker.accept(WORD, "lla")).isEqualTo("lla");
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.Length(2));
    assertThat(checker.finishReason().type()).isEqualTo("length");
  }

  @Test
  void theContextMayAllowLessThanTheRequest() {
    StopChecker checker = new StopChecker(params().maxTokens(9).build(), new int[] {EOS}, 1);
    checker.accept(WORD, "a");
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.Length(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new StopChecker(params().build(), new int[] {EOS}, 0))
        .withMessage("max_tokens: expected room for at least 1 token, found 0");
  }

  @Test
  void onTheLastTokenAStopIsAStop() {
    StopChecker byToken = checker(params().maxTokens(1));
    byToken.accept(EOS, "");
    assertThat(byToken.finishReason()).isEqualTo(new FinishReason.StopToken(EOS));
    StopChecker byText = checker(params().maxTokens(1).stop(List.of("b")));
    assertThat(byText.accept(WORD, "abc")).isEqualTo("a");
    assertThat(byText.finishReason()).isEqualTo(new FinishReason.StopString("b"));
  }

  @Test
  void heldBackTextIsShownWhenAStopTokenOrAnAbortEndsTheAnswer() {
    StopChecker byToken = checker(params().stop(List.of("###")));
    assertThat(byToken.accept(WORD, "a##")).isEqualTo("a");
    assertThat(byToken.accept(EOS, "")).isEqualTo("##");
    StopChecker byAbort = checker(params().stop(List.of("###")));
    byAbort.accept(WORD, "a##");
    assertThat(byAbort.abort("client gone")).isEqualTo("##");
    assertThat(byAbort.finishReason()).isEqualTo(new FinishReason.Abort("client gone"));
    assertThat(byAbort.finishReason().type()).isEqualTo("abort");
  }

  @Test
  void minTokensIgnoresStopsUntilThen() {
    SamplingParamsBuilder params = params().minTokens(2).stop(List.of("ab"));
    StopChecker checker = checker(params);
    assertThat(checker.accept(EOS, "ab")).isEqualTo("ab");
    assertThat(checker.accept(WORD, "xa")).isEqualTo("x");
    assertThat(checker.accept(WORD, "b")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopString("ab"));
    StopChecker byToken = checker(params);
    byToken.accept(EOS, "");
    byToken.accept(EOS, "");
    assertThat(byToken.finished()).isFalse();
    byToken.accept(EOS, "");
    assertThat(byToken.finished()).isTrue();
  }

  @Test
  void aStopStringThatEndsLaterMayOverlapOneThatCameTooEarly() {
    StopChecker checker = checker(params().minTokens(1).stop(List.of("aa")));
    assertThat(checker.accept(WORD, "baa")).isEqualTo("ba");
    assertThat(checker.accept(WORD, "ac")).isEmpty();
    assertThat(checker.finishReason()).isEqualTo(new FinishReason.StopString("aa"));
  }

  @Test
  void severalTokensAtOnceAreCutExactly() {
    // Speculation offers four tokens; the stop string ends within the third.
    String[] pieces = {"one ", "S", "TOP!", " more"};
    StopChecker checker = checker(params().stop(List.of("STOP")));
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
    System.out.println("StopCheckerTest seed " + seed);
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

  /** What is shown of the pieces, "|", and the stop string; checks what is held back on the way. */
  private static String run(List<String> stop, String... pieces) {
    StopChecker checker = checker(params().stop(stop).maxTokens(100));
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

  /** Cuts a text behind character i wherever bit i is set. */
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

  private static SamplingParamsBuilder params() {
    return SamplingParams.builder();
  }

  private static StopChecker checker(SamplingParamsBuilder params) {
    return new StopChecker(params.build(), new int[] {EOS}, 1_000);
  }
}
