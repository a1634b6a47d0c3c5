package orrery.sampling;

import java.util.Arrays;
import orrery.text.StreamDecoder;

/**
 * The text of one answer, and where it ends. Tokens go in one by one; what comes out may be shown
 * and is never taken back. When a step brings several tokens, they are offered one after the other
 * until one ends the answer; those after it were never part of it:
 *
 * <pre>
 *   for (int i = 0; i &lt; count &amp;&amp; !text.finished(); i++) {
 *     show(text.accept(tokens[i]));
 *   }
 * </pre>
 *
 * <pre>
 *   token ──> StreamDecoder ──> stop strings ──> what may be shown
 *             holds half a      holds what may     all pieces together
 *             character         become a stop      are {@link #text}
 *                  │                 ▲
 *                  └──── at the end ─┘   whatever the end is
 * </pre>
 *
 * <p>A token ends the answer if it is a stop token, else if its text completes a stop string, else
 * if it is the last one allowed; and {@link #abort} ends it from outside. Every end sends what the
 * decoder held through the search for stop strings; one that is found there is why the answer
 * ended. The first {@code min_tokens} tokens end it only by their number; a stop string that is
 * complete by then is ordinary text. Stop tokens and stop strings are not part of the text, but
 * their tokens count as drawn.
 *
 * <p>Special tokens have no text, but a stop string may name them: {@code <|turn|>} is found when
 * the token is drawn, and so is {@code .<|turn|>} if the text before it ends in a full stop.
 */
public final class AnswerText {

  private final SamplingParams params;
  private final int[] eos; // [any number of] token ids
  private final int maxTokens;
  private final StreamDecoder decoder;
  private final StopStrings strings;
  private final StringBuilder text = new StringBuilder(); // shown
  private int[] starts = new int[16]; // [capacity >= tokens] code points decoded before each token
  private int decoded; // code points
  private int tokens;
  private FinishReason finish; // null while the answer goes on

  /**
   * @param eos the model's end-of-sequence tokens
   * @param maxTokens what is left of the context; the answer ends at the smaller of this and the
   *     request's own {@code max_tokens}
   * @param decoder for this answer alone
   */
  public AnswerText(SamplingParams params, int[] eos, int maxTokens, StreamDecoder decoder) {
    if (maxTokens < 1) {
      throw new IllegalArgumentException(
          "max_tokens: expected room for at least 1 token, found " + maxTokens);
    }
    this.params = params;
    this.eos = eos.clone();
    this.maxTokens = Math.min(maxTokens, params.maxTokens());
    this.decoder = decoder;
    strings = new StopStrings(params.stop());
  }

  /**
   * Takes one more token into the answer.
   *
   * @return the text that may be shown now; when this ends the answer, all that is left of it
   * @throws IllegalStateException if the answer has ended
   */
  public String accept(int token) {
    requireOpen("token " + token);
    starts = tokens == starts.length ? Arrays.copyOf(starts, 2 * tokens) : starts;
    starts[tokens++] = decoded;
    if (armed() && isStop(token)) {
      String rest = end(new FinishReason.StopToken(token));
      starts[tokens - 1] = decoded;
      return rest;
    }
    String name = decoder.special(token);
    String shown;
    if (name.isEmpty()) {
      String piece = decoder.append(token);
      starts[tokens - 1] += decoder.overdue();
      shown = show(piece);
    } else {
      shown = pass(name);
    }
    return finish == null && tokens == maxTokens
        ? shown + end(new FinishReason.Length(maxTokens))
        : shown;
  }

  /**
   * Ends the answer from outside.
   *
   * @return the text that was held back
   * @throws IllegalStateException if the answer has ended
   */
  public String abort(String cause) {
    requireOpen("abort");
    return end(new FinishReason.Abort(cause));
  }

  /** The one way to end that no stop string is. */
  private String end(FinishReason why) {
    String shown = show(decoder.flush());
    if (finish == null) {
      finish = why;
      String rest = strings.flush();
      text.append(rest);
      shown += rest;
    }
    return shown;
  }

  /** Decoded text goes through the search. */
  private String show(String piece) {
    decoded += piece.codePointCount(0, piece.length());
    return found(strings.read(piece, armed()));
  }

  /** A special token goes through the search; it has no text. */
  private String pass(String name) {
    // Half a character in front of a token that ends the answer will not become whole.
    String before = armed() && params.stop().contains(name) ? show(decoder.flush()) : "";
    return finish == null ? before + found(strings.readSpecial(name, armed())) : before;
  }

  private String found(String shown) {
    text.append(shown);
    if (strings.found() != null) {
      finish = new FinishReason.StopString(strings.found());
    }
    return shown;
  }

  /** Whether a stop counts by now. */
  private boolean armed() {
    return tokens > params.minTokens();
  }

  /** Whether the answer has ended. */
  public boolean finished() {
    return finish != null;
  }

  /**
   * Why the answer ended.
   *
   * @throws IllegalStateException while it goes on
   */
  public FinishReason finishReason() {
    if (finish == null) {
      throw new IllegalStateException("the answer goes on after " + tokens + " tokens");
    }
    return finish;
  }

  /** Tokens of the answer so far, the one that ended it included. */
  public int tokens() {
    return tokens;
  }

  /** All that was shown so far. */
  public String text() {
    return text.toString();
  }

  /**
   * [tokens] Where each token's text begins in {@link #text}, in characters (code points). A token
   * that is part of a character begins where the character does; one without text, or cut off with
   * a stop string, where the text goes on or ends.
   */
  public int[] offsets() {
    int length = text.codePointCount(0, text.length());
    int[] offsets = Arrays.copyOf(starts, tokens); // [tokens]
    for (int i = 0; i < tokens; i++) {
      offsets[i] = Math.min(offsets[i], length);
    }
    return offsets;
  }

  private boolean isStop(int token) {
    for (int i = 0; i < params.stopTokenIds().size(); i++) {
      if (params.stopTokenIds().get(i) == token) {
        return true;
      }
    }
    for (int end : eos) {
      if (end == token && !params.ignoreEos()) {
        return true;
      }
    }
    return false;
  }

  private void requireOpen(String event) {
    if (finish != null) {
      throw new IllegalStateException(event + ": the answer has ended: " + finish);
    }
  }
}
