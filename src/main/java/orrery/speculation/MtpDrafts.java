package orrery.speculation;

import orrery.graph.Buffer;

/**
 * The state of the MTP layer that one sequence carries from step to step.
 *
 * <p>MTP row p reads the main model's state of token p and the embedding of token p + 1. The rows
 * of tokens before {@link #written} are in the cache. For all other tokens the main model's states
 * are kept here. The state of the newest token is always kept, because a fork with another next
 * token continues from it.
 */
final class MtpDrafts extends Drafts {
  final Draftable sequence;
  int written; // MTP rows of tokens before this one are in the cache
  int first = DraftPicker.NONE; // the guess for the next token
  double[] firstDistribution; // [vocab] that the first guess was drawn from, or null
  final float[] state; // [width] of the MTP row that made the first guess

  private final float[][] inputs; // [kept][width] main states of tokens from `inputsFrom`
  private int inputsFrom;
  private int inputCount;

  MtpDrafts(Draftable sequence, SamplingContext sampling, int width, int kept) {
    super(sampling);
    this.sequence = sequence;
    this.state = new float[width];
    this.inputs = new float[kept][];
  }

  /** The kept state of a token, [width]. */
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

  /** Keeps the states of some rows of the step; the first of them belongs to token {@code from}. */
  void keepInputs(Buffer states, int row, int from, int to) {
    for (int token = from; token < to; token++) {
      keepInput(token, states.data, states.row(row + token - from));
    }
  }

  void forgetInputs() {
    inputCount = 0;
  }
}
