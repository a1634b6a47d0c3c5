package orrery.sampling;

/** Finds the highest logit of a row, which is all that greedy sampling needs. */
final class Highest {
  /** The result for a row with NaN in it. */
  static final int NAN = -1;

  private Highest() {}

  /**
   * The token with the highest logit, the lowest id of several; {@link #NAN} if a logit is NaN. One
   * pass: a comparison that fails finds both a higher logit and NaN.
   *
   * @param logits the row is {@code [offset, offset + vocab)}
   */
  static int of(float[] logits, int offset, int vocab) {
    int best = 0;
    float highest = logits[offset];
    for (int i = 0; i < vocab; i++) {
      float logit = logits[offset + i];
      if (!(logit <= highest)) {
        if (Float.isNaN(logit) || Float.isNaN(highest)) {
          return NAN;
        }
        highest = logit;
        best = i;
      }
    }
    return best;
  }
}
