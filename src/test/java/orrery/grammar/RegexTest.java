package orrery.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.apache.lucene.util.automaton.Automaton;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The notation of patterns: what it means, and what is refused by its name. */
class RegexTest {
  private final Grammars grammars = Texts.grammars();

  private void accepts(String pattern, String... texts) {
    for (String text : texts) {
      assertThat(Texts.accepts(grammars.regex(pattern), text)).as(text).isTrue();
    }
  }

  private void rejects(String pattern, String... texts) {
    for (String text : texts) {
      assertThat(Texts.accepts(grammars.regex(pattern), text)).as(text).isFalse();
    }
  }

  @Test
  void theWholeTextMustMatch() {
    accepts("ab|c", "ab", "c");
    rejects("ab|c", "a", "abc", "xab", "");
    accepts("^ab$|^c$", "ab", "c");
  }

  @Test
  void bracesThatBeginNoRepeatAreCharacters() {
    accepts("{}", "{}");
    accepts("a{x}", "a{x}");
    accepts("a{,2}", "", "a", "aa");
    accepts("{\"a\": [0-9]}", "{\"a\": 7}");
  }

  @Test
  void aBracketStandsFirstInItsOwnSet() {
    accepts("[]a]+", "]a]");
    accepts("[^]]", "a");
    accepts("[a-]+", "a-");
    accepts("[[]", "[");
  }

  @Test
  void charactersHaveNumbersAndNames() {
    accepts("\\x41\\u00e9\\U0001F600\\n\\t\\0\\\\", "Aé😀\n\t\0\\");
  }

  @Test
  void noTextHasHalfACharacter() {
    Constraint any = grammars.regex(".*");
    int state = any.next(Constraint.START, 0xC3); // the first byte of é
    assertThat(any.complete(state)).isFalse();
    assertThat(any.allows(state, 0xA9)).isTrue();
    assertThat(any.allows(state, 'a')).isFalse();
    assertThat(any.allows(Constraint.START, 0x80)).isFalse();
    int surrogate = any.next(Constraint.START, 0xED);
    assertThat(any.allows(surrogate, 0xA0)).as("a surrogate").isFalse();
    int three = any.next(Constraint.START, 0xE0);
    assertThat(any.allows(three, 0x9F)).as("an overlong form of three bytes").isFalse();
    int four = any.next(Constraint.START, 0xF0);
    assertThat(any.allows(four, 0x8F)).as("an overlong form of four bytes").isFalse();
    assertThat(any.allows(Constraint.START, 0xC0)).as("an overlong form of two bytes").isFalse();
  }

  @Test
  void aTextThatNothingCanFollowIsClosed() {
    Constraint constraint = grammars.regex("ab?");
    int a = Texts.after(constraint, "a");
    assertThat(constraint.complete(a)).isTrue();
    assertThat(constraint.closed(a)).isFalse();
    assertThat(constraint.closed(Texts.after(constraint, "ab"))).isTrue();
    assertThat(constraint.closed(Texts.after(constraint, "b"))).as("a dead end").isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '\t',
      quoteCharacter = '`',
      value = {
        "(?=a)b	a lookahead, (?= at character 1",
        "x(?!a)	a lookahead, (?! at character 2",
        "(?<=a)b	a lookbehind, (?<= at character 1",
        "(?<!a)b	a lookbehind, (?<! at character 1",
        "(?>a)	an atomic group, (?> at character 1",
        "(a)\\1	a reference to a group, \\1 at character 4",
        "(?<n>a)\\k<n>	a reference to a group, \\k at character 8",
        "(?P<n>a)(?P=n)	a reference to a group, (?P= at character 9",
        "(?i)a	a flag, (? at character 1",
        "(?#x)a	a comment, (?# at character 1",
        "\\bword	a word boundary, \\b at character 1",
        "a\\Z	an anchor, \\Z at character 2",
        "a^b	an anchor inside the pattern, ^ at character 2",
        "a$b	an anchor inside the pattern, $ at character 2",
        "(^a)	an anchor inside the pattern, ^ at character 2",
        "\\p{L}	a Unicode class, \\p at character 1",
        "a++	a possessive repeat, + at character 3",
        "\\q	an escape, \\q at character 1",
      })
  void whatAnAutomatonCannotHaveIsRefusedByItsName(String pattern, String found) {
    assertThatThrownBy(() -> grammars.regex(pattern))
        .isInstanceOf(GrammarException.class)
        .hasMessage("regex: expected what an automaton of texts can have, found " + found);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '\t',
      quoteCharacter = '`',
      value = {
        "(a	a ) for each (, found the end of the pattern, at character 3",
        "a)	a ( before it, found ), at character 2",
        "[a	a ] for each [, found the end of the pattern, at character 3",
        "*a	something to repeat, found a repeat, at character 1",
        "a**	something to repeat, found a second repeat, at character 3",
        "a{3,2}	counts that rise, found {3,2}, at character 7",
        "a{1000000}	counts below 100000, found 1000000,1000000, at character 11",
        "[b-a]	a range of characters that rises, found another, at character 5",
        "a\\	a character after \\, found the end of the pattern, at character 3",
        "\\x4	2 hexadecimal digits, found another character, or the end, at character 4",
      })
  void anErrorSaysWhatWasExpectedAndWhere(String pattern, String message) {
    assertThatThrownBy(() -> grammars.regex(pattern))
        .isInstanceOf(GrammarException.class)
        .hasMessage("regex: expected " + message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\ud83d", "[\\ud83d]", "\\U00110000", "\ud83d"})
  void aPatternHasWholeUnicodeCharacters(String pattern) {
    assertThatThrownBy(() -> grammars.regex(pattern))
        .hasMessageContaining("regex: expected a Unicode character, found");
  }

  @Test
  void aPatternThatNothingMatchesIsRefused() {
    assertThatThrownBy(() -> grammars.regex("a[^\\d\\D]"))
        .hasMessage("regex: expected something that a text can match, found what no text matches");
  }

  /** Seconds, not minutes: the limits stop each of them long before. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a|b)*a(a|b){20}", // 2^21 states
        "[ab]*a[ab]{40}",
        "((a{99}){99}){99}",
        "((((((a{9999}){9999}){9999}){9999}){9999}){9999}){9999}",
        "((a?b?c?d?){999}){9}",
        "(.{0,99}){0,99}(.{0,99}){0,99}",
        "(.*.*.*.*.*.*.*.*.*){99}(a|b)*a(a|b){30}",
        ".{99999}",
        "(\\w{0,200}\\W{0,200}){0,200}"
      })
  @Timeout(120)
  void aHostilePatternIsAClearErrorAndNoStall(String pattern) {
    assertThatThrownBy(() -> grammars.regex(pattern))
        .isInstanceOf(GrammarException.class)
        .hasMessageMatching("regex: expected an automaton .*found (a larger one|one that needs).*");
  }

  /** What stands behind {0} would take all memory, if it were built. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "((a{99999}){99999}){0}x",
        "((a{99999}){99999}){,0}x",
        "(((a{99999}){99999}){0}){99999}x",
        "(?:(a{99999}){99999}){0}(?:(a{99999}){99999}){0}x"
      })
  void aPartThatStandsNowhereIsNotBuilt(String pattern) {
    accepts(pattern, "x");
    rejects(pattern, "", "ax");
  }

  @Test
  void theEmptyTextRepeatedIsTheEmptyText() {
    for (String empty : new String[] {"()", "(|)", "(a{0})", "([^\\d\\D]?)", "(()*(|)+)"}) {
      for (String count : new String[] {"{99999}", "{99999,}", "*", "+", "?", "{3,99999}"}) {
        String part = empty + count;
        assertThat(states(part.repeat(100))).as(part).isEqualTo(1);
        accepts(part + "x" + part, "x");
        rejects(part + "x" + part, "");
      }
    }
  }

  @Test
  void whatNoTextMatchesIsNotCopied() {
    assertThat(states("[^\\d\\D]{99999}")).isLessThan(5);
    assertThat(states("[^\\d\\D]{99999,}")).isLessThan(5);
  }

  private static int states(String pattern) {
    return AutomatonBuilder.automaton(RegexParser.whole("regex", pattern)).getNumStates();
  }

  @Test
  void anAutomatonHasNoMoreThanWasCounted() {
    for (int seed = 0; seed < 2_000; seed++) {
      String pattern = new RandomPattern(new Random(seed)).next();
      Syntax syntax = RegexParser.whole("regex", pattern);
      Automaton built = AutomatonBuilder.automaton(syntax);
      Size.Counter counter = new Size.Counter();
      Size size = counter.of(syntax);
      assertThat((double) built.getNumStates()).as(pattern).isLessThanOrEqualTo(size.states());
      assertThat((double) built.getNumTransitions())
          .as(pattern)
          .isLessThanOrEqualTo(size.transitions());
      assertThat(counter.built(syntax)).isGreaterThanOrEqualTo(size.states() + size.transitions());
    }
  }

  /** Each group is a new copy of what stands in it: the last one is small, and all are not. */
  @Test
  void copiesOfCopiesAreCounted() {
    String pattern = "(".repeat(99) + "a{99999}" + ")?".repeat(99);
    assertThatThrownBy(() -> grammars.regex(pattern))
        .hasMessage(
            "regex: expected an automaton of at most 20000000 states and transitions, with those"
                + " of its parts, found a larger one; repeat less, or with smaller counts");
  }

  /** 99999^70 is beyond double, and times nothing it is no number. */
  @Test
  void aCountThatIsNoNumberIsTooLarge() {
    String huge = "(".repeat(70) + "a" + "{99999})".repeat(70);
    for (String behind : new String[] {"", "[^\\d\\D]", "(){2}", "b", "|b"}) {
      Syntax syntax = RegexParser.whole("regex", huge + behind);
      assertThatThrownBy(() -> AutomatonBuilder.requireSmall("regex", syntax, new Size.Counter()))
          .hasMessageStartingWith("regex: expected an automaton of at most 400000 transitions");
    }
  }

  /** Patterns that stall engines which try one way after the other; an automaton does not mind. */
  @ParameterizedTest
  @ValueSource(strings = {"(a+)+b", "(x+x+)+y", "(a|aa)*c", "(.*a){12}", "(a?){30}a{30}"})
  void patternsThatStallOtherEnginesAreOrdinary(String pattern) {
    Constraint constraint = grammars.regex(pattern);
    assertThat(Texts.accepts(constraint, "a".repeat(5_000) + "!")).isFalse();
  }

  @Test
  void aPatternIsNotTooLongNorTooDeep() {
    assertThatThrownBy(() -> grammars.regex("a".repeat(20_001)))
        .hasMessage("regex: expected at most 20000 characters, found 20001 characters");
    assertThatThrownBy(() -> grammars.regex("(".repeat(101) + ")".repeat(101)))
        .hasMessageContaining("at most 100 groups inside each other");
    accepts("(".repeat(100) + "a" + ")".repeat(100), "a");
  }

  @Test
  void aConstraintThatIsAskedForAgainIsShared() {
    assertThat(grammars.regex("a+")).isSameAs(grammars.regex("a+"));
    assertThat(grammars.regex("a+")).isSameAs(grammars.regex("a+?"));
    assertThat(grammars.regex("a+")).isNotSameAs(grammars.regex("a*"));
  }
}
