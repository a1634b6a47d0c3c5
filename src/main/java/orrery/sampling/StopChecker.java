package orrery.sampling;

/**
 * Decides where the answer of one choice ends, token by token, and which of its text may be shown.
 * When a step brings several tokens, they are offered one after the other until one ends the
 * answer; those after it were never part of it:
 *
 * <pre>
 *   for (int i = 0; i &lt; count &amp;&amp; !checker.finished(); i++) {
 *     show(checker.accept(tokens[i], pieces[i]));
 *   }
 * </pre>
 *
 * <p>A token ends the answer if it is a stop token, else if its text completes a stop string, else
 * if it is the last one allowed. The first {@code min_tokens} tokens end it only by their number; a
 * stop string that is complete by then is ordinary text. Stop tokens and stop strings are not part
 * of the text, but their tokens count as drawn.
 */
public final class StopChecker {

  private final SamplingParams params;
  private final int[] eos; // [any number of] token ids
  private final int maxTokens;
  private final StopStrings strings;
  private int tokens;
  private FinishReason finish; // null while the answer goes on

  /**
   * @param eos the model's end-of-sequence tokens
   * @param maxTokens what is left of the context; the answer ends at the smaller of this and the
   *     request's own {@code max_tokens}
   */
  public StopChecker(SamplingParams params, int[] eos, int maxTokens) {
    if (maxTokens < 1) {
      throw new IllegalArgumentException(
          "max_tokens: expected room for at least 1 token, found " + maxTokens);
    }
    this.params = params;
    this.eos = eos.clone();
    this.maxTokens = Math.min(maxTokens, params.maxTokens());
    strings = new StopStrings(params.stop());
  }

  /**
   * Takes one more token into the answer.
   *
   * @param piece the text the token adds, in whole characters; may be empty. That of a stop token
   *     is left out
   * @return the text that may be shown now; when this ends the answer, all that is left of it
   * @throws IllegalStateException if the answer has ended
   */
  public String accept(int token, String piece) {
    requireOpen("token " + token);
    tokens++;
    boolean armed = tokens > params.minTokens();
    if (armed && isStop(token)) {
      finish = new FinishReason.StopToken(token);
      return strings.flush();
    }
    String text = strings.read(piece, armed);
    if (strings.found() != null) {
      finish = new FinishReason.StopString(strings.found());
    } else if (tokens == maxTokens) {
      finish = new FinishReason.Length(maxTokens);
      return text + strings.flush();
    }
    return text;
  }

  /**
   * Ends the answer from outside.
   *
   * @return the text that was held back
   * @throws IllegalStateException if the answer has ended
   */
  public String abort(String cause) {
    requireOpen("abort");
    finish = new FinishReason.Abort(cause);
    return strings.flush();
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
