package orrery.numerics;

/** Finds the highest logit of a row or of a part of it, which is all that greedy sampling needs. */
public final class Highest {
  /** The result if there is a NaN. */
  public static final int NAN = -1;

  private Highest() {}

  /**
   * The place of the highest of {@code n} numbers, the lowest place of several; {@link #NAN} if one
   * is NaN. One pass: a comparison that fails finds both a higher number and NaN.
   *
   * @param numbers those at {@code [offset, offset + n)}; places count from {@code offset}
   */
  public static int of(float[] numbers, int offset, int n) {
    int best = 0;
    float highest = numbers[offset];
    for (int i = 0; i < n; i++) {
      float number = numbers[offset + i];
      if (!(number <= highest)) {
        if (Float.isNaN(number) || Float.isNaN(highest)) {
          return NAN;
        }
        highest = number;
        best = i;
      }
    }
    return best;
  }
}
