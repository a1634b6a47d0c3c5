package orrery.sampling;

import java.util.Arrays;

/**
 * The tokens one choice has seen, counted for the penalties. Tokens of the answer can be pushed and
 * taken back again in constant time each, so speculation can try a draft, look at the penalties it
 * would cause, and roll back. Not safe for use by several threads at once.
 */
public final class History {

  private final boolean[] inPrompt; // [vocab]
  private final int[] outputCounts; // [vocab]
  private final int promptLength;
  private int[] output; // [capacity >= outputLength], in order
  private int outputLength;

  /**
   * A history whose answer is still empty.
   *
   * @param vocab number of token ids
   * @param prompt token ids; copied
   * @throws IllegalArgumentException for a token outside the vocabulary
   */
  public History(int vocab, int... prompt) {
    inPrompt = new boolean[vocab];
    outputCounts = new int[vocab];
    promptLength = prompt.length;
    output = new int[16];
    for (int i = 0; i < prompt.length; i++) {
      inPrompt[checked(prompt[i], i)] = true;
    }
  }

  /** Appends a token to the answer. */
  public void push(int token) {
    checked(token, length());
    if (outputLength == output.length) {
      output = Arrays.copyOf(output, 2 * outputLength);
    }
    output[outputLength++] = token;
    outputCounts[token]++;
  }

  /** Takes the newest tokens back until the answer has {@code length} tokens. */
  public void rollback(int length) {
    if (length < 0 || length > outputLength) {
      throw new IllegalArgumentException(
          "rollback to length " + length + ": expected 0 to " + outputLength);
    }
    while (outputLength > length) {
      outputCounts[output[--outputLength]]--;
    }
  }

  /** Number of token ids. */
  public int vocab() {
    return outputCounts.length;
  }

  /** Tokens of prompt and answer together, which is the position of the next token. */
  public int length() {
    return promptLength + outputLength;
  }

  /** Tokens of the answer so far. */
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

  /** How often the token stands in the answer so far. */
  public int outputCount(int token) {
    return outputCounts[token];
  }

  /** Whether the token stands in the prompt or in the answer so far. */
  public boolean contains(int token) {
    return inPrompt[token] || outputCounts[token] > 0;
  }

  private int checked(int token, int position) {
    if (token < 0 || token >= outputCounts.length) {
      throw new IllegalArgumentException(
          "token at position %d: expected an id from 0 to %d, found %d"
              .formatted(position, outputCounts.length - 1, token));
    }
    return token;
  }
}
