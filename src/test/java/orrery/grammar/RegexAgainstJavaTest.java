package orrery.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Constraints accept what {@code java.util.regex} matches, which works in another way. */
class RegexAgainstJavaTest {
  private static final long SEED = 20_261_128;

  @Test
  void aHundredThousandRandomTextsMatchHereIfTheyMatchThere() {
    System.out.println("regex against java.util.regex: seed " + SEED);
    Random random = new Random(SEED);
    RandomPattern patterns = new RandomPattern(random);
    Grammars grammars = Texts.grammars();
    int accepted = 0;
    int open = 0;
    for (int p = 0; p < 500; p++) {
      String pattern = patterns.next();
      Constraint constraint = grammars.regex(pattern);
      // Java's . leaves out more than the line feed by default.
      Matcher matcher = Pattern.compile(pattern, Pattern.UNIX_LINES).matcher("");
      for (int t = 0; t < 200; t++) {
        String text = t % 2 == 0 ? patterns.text() : walk(constraint, random);
        boolean matches = matcher.reset(text).matches();
        assertThat(Texts.accepts(constraint, text))
            .as("%s on %s", pattern, text)
            .isEqualTo(matches);
        // Java says that it would have read on: some text that begins like this may match. (Behind
        // a line feed it would also look for more because of $.)
        boolean goesOn = matches || matcher.hitEnd();
        if (!pattern.endsWith("$")) {
          assertThat(Texts.canGoOn(constraint, text))
              .as("%s behind %s", pattern, text)
              .isEqualTo(goesOn);
        }
        accepted += matches ? 1 : 0;
        open += goesOn && !matches ? 1 : 0;
      }
    }
    assertThat(accepted).isGreaterThan(10_000);
    assertThat(open).isGreaterThan(5_000);
  }

  /** A text that the constraint accepts, or a beginning of one, sometimes with a wrong end. */
  private static String walk(Constraint constraint, Random random) {
    byte[] bytes = new byte[12]; // [12] the text so far
    int length = 0;
    int state = Constraint.START;
    while (length < bytes.length && !constraint.closed(state) && random.nextInt(12) > 0) {
      long[] mask = constraint.mask(state);
      int b = random.nextInt(256);
      while ((mask[b >> 6] >>> b & 1) == 0) {
        b = (b + 1) % 256;
      }
      bytes[length++] = (byte) b;
      state = constraint.next(state, b);
    }
    String text = new String(bytes, 0, length, StandardCharsets.UTF_8);
    String whole = text.endsWith("\uFFFD") ? text.substring(0, text.length() - 1) : text;
    return random.nextInt(4) == 0 ? whole + "b" : whole;
  }
}
