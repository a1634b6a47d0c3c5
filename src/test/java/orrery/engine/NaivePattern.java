package orrery.engine;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import orrery.sampling.SamplingParams;
import orrery.text.Tokenizer;

/**
 * What a constraint allows, without an automaton: each token is put behind the text, and {@code
 * java.util.regex} is asked whether the result matches, or would match with more text behind it.
 *
 * @param vocab so few tokens that none of them begins a character of several bytes
 */
record NaivePattern(Pattern pattern, Tokenizer tokenizer, int vocab) {
  /**
   * The text of token ids; bytes that are not UTF-8 become U+FFFD, and such a text never matches.
   */
  private String text(int... ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(new String(tokenizer.bytes(id), StandardCharsets.UTF_8));
    }
    return text.toString();
  }

  private boolean goesOn(String text, int id) {
    if (tokenizer.isSpecial(id)) {
      return false;
    }
    String longer = text + text(id);
    Matcher matcher = pattern.matcher(longer);
    return longer.indexOf('\uFFFD') < 0 && (matcher.matches() || matcher.hitEnd());
  }

  /** The logits [vocab] of a row, with those of excluded tokens at -infinity. */
  float[] filter(float[] logits, int[] answer, SamplingParams p, int[] eos) {
    float[] filtered = logits.clone(); // [vocab]
    String text = text(answer);
    for (int id = 0; id < vocab; id++) {
      int token = id;
      boolean ends =
          p.stopTokenIds().contains(id)
              || !p.ignoreEos() && Arrays.stream(eos).anyMatch(e -> e == token);
      boolean allowed = ends ? pattern.matcher(text).matches() : goesOn(text, id);
      filtered[id] = allowed ? logits[id] : Float.NEGATIVE_INFINITY;
    }
    return filtered;
  }

  /** Whether the answer matches, and no token can follow. */
  boolean closed(int[] answer) {
    String text = text(answer);
    return pattern.matcher(text).matches()
        && IntStream.range(0, vocab).noneMatch(id -> goesOn(text, id));
  }
}
