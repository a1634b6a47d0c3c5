package orrery.lab;

import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.DType;
import orrery.checkpoint.TensorInfo;
import orrery.checkpoint.quantized.ScaleNames;
import orrery.engine.Heap;
import orrery.model.FeedForwardWidth;

/**
 * The size of a ballast twin, known before the twin is made.
 *
 * @param fixed bytes of the tensors that no factor widens
 * @param widened bytes of the tensors that the factor widens, at factor 1
 * @param loadedOver bytes in memory over bytes in the file: f16 is loaded as f32
 */
record TwinSize(long fixed, long widened, int loadedOver) {
  /** Most bytes of a twin if the user gives no factor. */
  private static final long MOST_BY_DEFAULT = 2L << 30;

  static TwinSize of(Checkpoint checkpoint, FeedForwardWidth width) {
    long fixed = 0;
    long widened = 0;
    boolean f16 = false;
    for (TensorInfo info : checkpoint.infos()) {
      String weight = ScaleNames.weightOf(info.name());
      boolean wide = width.runsOfRows(weight) > 0 || width.isColumns(weight);
      fixed += wide ? 0 : info.bytes();
      widened += wide ? info.bytes() : 0;
      f16 |= info.dtype() == DType.F16;
    }
    return new TwinSize(fixed, widened, f16 ? 2 : 1);
  }

  /** Bytes of the file at a factor. */
  long bytes(int factor) {
    return Heap.plus(fixed, Heap.times(widened, factor));
  }

  /** Bytes that the heap needs: all arrays before they are written, then the twin as loaded. */
  private long memory(int factor) {
    return Heap.times(bytes(factor), loadedOver);
  }

  /** The factor, or the largest smaller one that fits 2 GiB and half of the free heap. */
  int atMost(int factor) {
    long most = Math.min(MOST_BY_DEFAULT, Heap.left() / 2 / loadedOver);
    long fitting = (most - fixed) / Math.max(1, widened);
    return (int) Math.clamp(fitting, 1, factor);
  }

  /**
   * @throws IllegalArgumentException naming the factor, if the heap has no room for the twin
   */
  void require(int factor) {
    Heap.require("factor", "a twin " + factor + " times as wide", memory(factor));
  }
}
