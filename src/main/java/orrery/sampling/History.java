package orrery.sampling;

import java.util.Arrays;
import orrery.grammar.Constraint;
import orrery.grammar.ConstraintPath;

/**
 * The tokens of one choice, prompt and answer, for the penalties and the constraint. Tokens of the
 * answer can be pushed and taken back, so speculation can try a draft, look at the penalties that
 * it would cause and at the tokens that may follow it, and roll back.
 *
 * <p>A history takes memory for the tokens seen, not for the vocabulary, since thousands of
 * requests may wait. It counts tokens from the first time that a penalty asks; without penalties it
 * counts nothing. Not safe for use by several threads at once.
 */
public final class History {
  private final int vocab;
  private final int[] prompt; // [promptLength]
  private int[] output = new int[16]; // [capacity >= outputLength], in order
  private int outputLength;
  private SeenTokens seen; // null until a penalty asks
  private ConstraintPath path; // null until a constraint asks

  /**
   * A history with an empty answer.
   *
   * @param vocab number of token ids
   * @param prompt [promptLength] token ids; not copied, do not change them
   * @throws IllegalArgumentException for a token outside the vocabulary
   */
  public History(int vocab, int... prompt) {
    this.vocab = vocab;
    this.prompt = prompt;
    for (int i = 0; i < prompt.length; i++) {
      checked(prompt[i], i);
    }
  }

  /** Appends a token to the answer. */
  public void push(int token) {
    checked(token, length());
    if (outputLength == output.length) {
      output = Arrays.copyOf(output, 2 * outputLength);
    }
    output[outputLength++] = token;
    if (seen != null) {
      seen.add(token, 1);
    }
  }

  /** Takes the newest tokens back until the answer has {@code length} tokens. */
  public void rollback(int length) {
    if (length < 0 || length > outputLength) {
      throw new IllegalArgumentException(
          "rollback to length " + length + ": expected 0 to " + outputLength);
    }
    while (outputLength > length) {
      outputLength--;
      if (seen != null) {
        seen.add(output[outputLength], -1);
      }
    }
    if (path != null) {
      path.rollback(length);
    }
  }

  /** Number of token ids. */
  public int vocab() {
    return vocab;
  }

  /** How many tokens prompt and answer have together; this is the position of the next token. */
  public int length() {
    return prompt.length + outputLength;
  }

  /** How many tokens the answer has so far. */
  public int outputLength() {
    return outputLength;
  }

  /** Token {@code i} of the answer, from 0. */
  public int output(int i) {
    if (i < 0 || i >= outputLength) {
      throw new IndexOutOfBoundsException("output " + i + ": expected 0 to " + (outputLength - 1));
    }
    return output[i];
  }

  /** Whether the token is in the prompt or in the answer so far. */
  public boolean contains(int token) {
    return seen().contains(token);
  }

  /** The different tokens and their counts. */
  SeenTokens seen() {
    if (seen == null) {
      seen = new SeenTokens(prompt);
      for (int i = 0; i < outputLength; i++) {
        seen.add(output[i], 1);
      }
    }
    return seen;
  }

  /** The state of the answer's constraint behind the answer so far. */
  int state(Constraint constraint) {
    path = path == null ? new ConstraintPath(constraint, prompt) : path;
    return path.after(output, outputLength);
  }

  private int checked(int token, int position) {
    if (token < 0 || token >= vocab) {
      throw new IllegalArgumentException(
          "token at position %d: expected an id from 0 to %d, found %d"
              .formatted(position, vocab - 1, token));
    }
    return token;
  }
}
