package orrery.numerics;

/**
 * The one way to sum many floats: 16 interleaved partial sums and a fixed tree.
 *
 * <p>Floating-point addition is not associative, so a sum is defined by its order. Element i of a
 * sum goes to partial i mod 16, in increasing i; the partials are then folded 8, 4, 2, 1. Sixteen
 * floats fill the widest vector, so 512-, 256- and 128-bit code and this scalar code all perform
 * exactly these additions. {@code FloatVector.reduceLanes(ADD)} leaves the order undefined, and its
 * result really changes once the JIT compiles it; so it is banned.
 */
public final class Sum16 {
  public static final int PARTIALS = 16;

  private Sum16() {}

  /**
   * Folds 16 partial sums; destroys them.
   *
   * @param partial [16]
   */
  public static float fold(float[] partial) {
    for (int half = PARTIALS / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        partial[i] += partial[i + half];
      }
    }
    return partial[0];
  }
}
