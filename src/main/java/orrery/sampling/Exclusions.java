package orrery.sampling;

import orrery.grammar.Constraint;

/**
 * Rules out tokens whatever their logits are: every end of the answer before {@code min_tokens},
 * and every token with which the text could not become one of the constraint's texts.
 *
 * <p>An end is a stop token of the request, or an end-of-sequence token unless it is ignored. Under
 * a constraint an end is allowed where the text is complete, and nowhere else: also a stop token
 * with text of its own, since drawing it ends the answer and its text is cut off.
 */
final class Exclusions {
  private final int vocab;
  private final int[] eos; // [any number of] token ids
  private final float[] ends; // [vocab] scratch: logits of the ends

  Exclusions(int vocab, int... eos) {
    this.vocab = vocab;
    this.eos = eos.clone();
    ends = new float[vocab];
  }

  /**
   * Sets the logits of excluded tokens to -infinity.
   *
   * @param logits [vocab]
   */
  void apply(float[] logits, SamplingParams params, History history) {
    if (history.outputLength() < params.minTokens()) {
      for (int i = 0; i < ends(params); i++) {
        logits[end(params, i)] = Float.NEGATIVE_INFINITY;
      }
    }
    Constraint constraint = params.constraint().orElse(null);
    if (constraint != null) {
      constrain(logits, params, constraint, history.state(constraint));
    }
  }

  private void constrain(float[] logits, SamplingParams params, Constraint constraint, int state) {
    boolean complete = constraint.complete(state);
    for (int i = 0; i < ends(params); i++) {
      int end = end(params, i);
      ends[end] = complete ? logits[end] : Float.NEGATIVE_INFINITY;
    }
    long[] mask = constraint.mask(state); // [vocab / 64, rounded up]
    for (int i = 0; i < vocab; i++) {
      if ((mask[i >> 6] >>> i & 1) == 0) {
        logits[i] = Float.NEGATIVE_INFINITY;
      }
    }
    for (int i = 0; i < ends(params); i++) {
      logits[end(params, i)] = ends[end(params, i)];
    }
  }

  /** Whether the constraint, if there is one, lets a token follow. */
  boolean allows(int token, SamplingParams params, History history) {
    Constraint constraint = params.constraint().orElse(null);
    if (constraint == null) {
      return true;
    }
    int state = history.state(constraint);
    for (int i = 0; i < ends(params); i++) {
      if (end(params, i) == token) {
        return constraint.complete(state);
      }
    }
    return constraint.allows(state, token);
  }

  /** Whether the constraint, if there is one, leaves no other token than this one. */
  boolean forces(int token, SamplingParams params, History history) {
    Constraint constraint = params.constraint().orElse(null);
    if (constraint == null) {
      return false;
    }
    int state = history.state(constraint);
    for (int i = 0; constraint.complete(state) && i < ends(params); i++) {
      if (end(params, i) != token) {
        return false;
      }
    }
    long[] mask = constraint.mask(state); // [vocab / 64, rounded up]
    for (int word = 0; word < mask.length; word++) {
      long mine = word == token >> 6 ? 1L << token : 0;
      if ((mask[word] & ~mine) != 0) {
        return false;
      }
    }
    return true;
  }

  /** How many tokens end an answer. */
  private int ends(SamplingParams params) {
    return params.stopTokenIds().size() + (params.ignoreEos() ? 0 : eos.length);
  }

  private int end(SamplingParams params, int i) {
    int own = params.stopTokenIds().size();
    return i < own ? params.stopTokenIds().get(i) : eos[i - own];
  }
}
