package orrery.kernels;

import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import orrery.numerics.Sum16;

/** {@link Sum16#fold} in the lanes: its sums of one level side by side, in the first lanes. */
final class Fold {
  private static final VectorShuffle<Float> BY_8 = by(8);
  private static final VectorShuffle<Float> BY_4 = by(4);
  private static final VectorShuffle<Float> BY_2 = by(2);
  private static final VectorShuffle<Float> BY_1 = by(1);

  private Fold() {}

  /** Brings each lane the number that lies {@code n} lanes later; the last ones get any. */
  private static VectorShuffle<Float> by(int n) {
    return VectorShuffle.fromOp(F, i -> (i + n) % LANES);
  }

  /**
   * The sum of 16 partial sums.
   *
   * @param partial [16]
   */
  static float sum(float[] partial) {
    FloatVector v = FloatVector.fromArray(F, partial, 0);
    if (LANES == 16) {
      v = v.add(v.rearrange(BY_8));
      v = v.add(v.rearrange(BY_4));
    } else if (LANES == 8) {
      v = v.add(FloatVector.fromArray(F, partial, 8));
      v = v.add(v.rearrange(BY_4));
    } else {
      FloatVector w = FloatVector.fromArray(F, partial, 4);
      v = v.add(FloatVector.fromArray(F, partial, 8));
      v = v.add(w.add(FloatVector.fromArray(F, partial, 12)));
    }
    v = v.add(v.rearrange(BY_2));
    return v.add(v.rearrange(BY_1)).lane(0);
  }
}
