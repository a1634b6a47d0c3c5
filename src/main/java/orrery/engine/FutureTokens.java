package orrery.engine;

import java.util.Arrays;
import orrery.graph.Step;

/**
 * The tokens that one step decides, for the step after it. That one is planned while they are not
 * known; its rows hold placeholders, which say at which place the token will be found. The thread
 * that computes the steps writes the tokens when they are decided, and reads them before it
 * computes the next step.
 *
 * <pre>
 *   step 7   place     0    1    2            step 8   row       0    1    2
 *            decides   A    B    C                     token    ~0   ~2   97 (a prompt's)
 *   tokens             A    B    C     ──resolve──>              A    C   97
 * </pre>
 *
 * <p>Each entry is poison until it is written, and again once it is read: a token that is read too
 * early or twice stops the engine and does not become an answer. SGLang has such an array on the
 * GPU ({@code managers/overlap_utils.py}, FutureMap, with a poison mode for tests).
 */
final class FutureTokens {
  /** A token for rows whose request has failed: they are computed, and mean nothing. */
  static final int VOID = 0;

  private static final int UNWRITTEN = -1;
  private static final int READ = -2;

  private final int[] tokens; // [sequences of the step]

  FutureTokens(int sequences) {
    tokens = new int[sequences];
    Arrays.fill(tokens, UNWRITTEN);
  }

  /** What stands in a row in place of the token that will be found at a place. */
  static int placeholder(int place) {
    return ~place; // negative, and so no token
  }

  /**
   * Writes the token of a place.
   *
   * @throws IllegalStateException if it is written already
   */
  void write(int place, int token) {
    require(tokens[place] == UNWRITTEN, place, "expected it unwritten");
    tokens[place] = token;
  }

  /**
   * Reads the token of a place.
   *
   * @throws IllegalStateException if it is not written yet, or was read before
   */
  int read(int place) {
    require(tokens[place] >= 0, place, "expected a token");
    int token = tokens[place];
    tokens[place] = READ;
    return token;
  }

  private void require(boolean holds, int place, String expected) {
    if (!holds) {
      String found =
          switch (tokens[place]) {
            case UNWRITTEN -> "nothing written";
            case READ -> "one that was read";
            default -> "token " + tokens[place];
          };
      throw new IllegalStateException(
          "future token " + place + ": " + expected + ", found " + found);
    }
  }

  /** Puts the tokens into a step in place of their placeholders. */
  void resolve(Step step) {
    for (int row = 0; row < step.rows(); row++) {
      if (step.token[row] < 0) {
        step.token[row] = read(~step.token[row]);
      }
    }
  }
}
