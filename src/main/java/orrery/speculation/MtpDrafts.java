package orrery.speculation;

import orrery.graph.Buffer;

/**
 * What the MTP layer carries of one sequence from step to step.
 *
 * <p>MTP row p reads the main model's state of token p and the embedding of token p + 1. Rows of
 * tokens before {@link #written} are in the cache; for all others the states are kept here, and
 * always that of the newest token, which a sibling with another next token would continue.
 */
final class MtpDrafts extends Drafts {
  final Draftable sequence;
  int written; // MTP rows of the tokens before are in the cache
  int first = DraftPicker.NONE; // the guess for the next token
  double[] firstDistribution; // [vocab] it was drawn from, or null
  final float[] state; // [hidden] of the MTP row that guessed it

  private final float[][] inputs; // [postponed + 1][hidden] main states of tokens from `inputsFrom`
  private int inputsFrom;
  private int inputCount;

  MtpDrafts(Draftable sequence, Draw draw, int hidden, int postponed) {
    super(draw);
    this.sequence = sequence;
    this.state = new float[hidden];
    this.inputs = new float[postponed + 1][];
  }

  /** The kept state of a token, [hidden]. */
  float[] input(int token) {
    return inputs[token - inputsFrom];
  }

  /** Keeps the state of one more token. */
  void keepInput(int token, float[] from, int offset) {
    if (inputCount == 0) {
      inputsFrom = token;
    }
    if (token != inputsFrom + inputCount) {
      throw new IllegalStateException(
          "state of token " + token + " kept, expected that of " + (inputsFrom + inputCount));
    }
    if (inputs[inputCount] == null) {
      inputs[inputCount] = new float[state.length];
    }
    System.arraycopy(from, offset, inputs[inputCount++], 0, state.length);
  }

  /** Keeps the states of a row range of the step, beginning with that of token {@code from}. */
  void keepInputs(Buffer hidden, int row, int from, int to) {
    for (int token = from; token < to; token++) {
      keepInput(token, hidden.data, hidden.row(row + token - from));
    }
  }

  void forgetInputs() {
    inputCount = 0;
  }
}
