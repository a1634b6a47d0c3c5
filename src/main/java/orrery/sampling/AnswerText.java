package orrery.sampling;

import java.util.Arrays;
import java.util.Optional;
import orrery.grammar.Constraint;
import orrery.text.StreamDecoder;

/**
 * The text of one answer, and where the answer ends. Tokens go in one by one; the text that comes
 * out may be shown and is never taken back. When a step brings several tokens, the engine offers
 * them one after the other until one ends the answer. The tokens after that one are not part of the
 * answer:
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
 * if the constraint lets nothing follow, else if it is the last token allowed. {@link #abort} ends
 * the answer from outside. At every end, the text that the decoder held goes through the search for
 * stop strings; a stop string found there becomes the finish reason. Within the first {@code
 * min_tokens} tokens only the length or the constraint ends the answer, and a stop string that is
 * complete by then is ordinary text. Stop tokens and stop strings are not part of the text, but
 * their tokens count as drawn.
 *
 * <p>Special tokens have no text, but a stop string may name them. The stop string {@code <|turn|>}
 * is found when that token is drawn; {@code .<|turn|>} is found if the text before the token ends
 * in a full stop.
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
  private int state = Constraint.START; // of the constraint
  private FinishReason finish; // null while the answer goes on

  /**
   * @param eos [any number of] the model's end-of-sequence tokens
   * @param maxTokens the tokens that the context has room for; the answer ends at the smaller of
   *     this and the request's own {@code max_tokens}
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
    strings = new StopStrings(params.stopTexts());
  }

  /**
   * Takes one more token into the answer.
   *
   * @return the text that may be shown now; if this token ends the answer, all the rest of its text
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
    Optional<Constraint> constraint = params.constraint();
    state = constraint.isPresent() ? constraint.get().next(state, token) : state;
    String name = decoder.special(token);
    String shown;
    if (name.isEmpty()) {
      String piece = decoder.append(token);
      starts[tokens - 1] += decoder.overdue();
      shown = show(piece);
    } else {
      shown = pass(name);
    }
    if (finish == null && constraint.isPresent() && constraint.get().closed(state)) {
      shown += end(new FinishReason.Complete());
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

  /** Ends the answer for any other reason than a stop string. */
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

  /** Sends decoded text through the search for stop strings. */
  private String show(String piece) {
    decoded += piece.codePointCount(0, piece.length());
    return found(strings.read(piece, armed()));
  }

  /** Sends a special token through the search for stop strings; the token has no text. */
  private String pass(String name) {
    // Half a character before a token that ends the answer will not become whole.
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

  /** Whether the answer has enough tokens for a stop to count. */
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
   * @throws IllegalStateException while the answer goes on
   */
  public FinishReason finishReason() {
    if (finish == null) {
      throw new IllegalStateException("the answer goes on after " + tokens + " tokens");
    }
    return finish;
  }

  /** How many tokens the answer has so far, with the token that ended it. */
  public int tokens() {
    return tokens;
  }

  /** All that was shown so far. */
  public String text() {
    return text.toString();
  }

  /**
   * [tokens] Where each token's text begins in {@link #text}, in characters (code points). A token
   * that is part of a character begins where the character begins. A token without text begins
   * where the text goes on; a token that is cut off with a stop string begins where the text ends.
   */
  public int[] offsets() {
    int length = text.codePointCount(0, text.length());
    int[] offsets = Arrays.copyOf(starts, tokens); // [tokens]
    for (int i = 0; i < tokens; i++) {
      offsets[i] = Math.min(offsets[i], length);
    }
    return offsets;
  }

  /**
   * Where the text of the newest token begins, as {@link #offsets} has it, unless the answer will
   * be cut off before that.
   */
  public int offset() {
    return starts[tokens - 1];
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
