package orrery.kernels;

import java.util.Arrays;

/**
 * {@link Kernels#attend} in vectors: scores, softmax and the mix of values, for one key/value head
 * after the other. The queries of all rows and of all heads of its group take each key and value
 * together.
 */
final class VectorAttention {
  private VectorAttention() {}

  /** See {@link Kernels#attend}. */
  static void attend(
      AttentionShape shape,
      float[] q,
      int qOff,
      int qStride,
      int rows,
      CachedRows keys,
      CachedRows values,
      int[] pages,
      int first,
      int last,
      int kvFrom,
      int kvTo,
      float[] out,
      int outOff,
      int outStride,
      Scratch scratch) {
    int from = first / 16 * 16; // whole tiles of 16 slots; partial sums go by slot mod 16
    int to = (last + rows - 1) / 16 * 16 + 16;
    int width = to - from;
    int group = shape.group();
    int stride = shape.valueStride();
    int queries = rows * group; // (row, head of the group), all against the same keys
    int[] query = scratch.queries(queries); // [queries] where each query's head starts in q
    float[] p = scratch.scores(queries * width); // [queries][width]
    float[] sums = scratch.sums(queries); // [queries]
    float[] mixed = scratch.mixed(queries * stride); // [queries][valueStride]
    for (int kv = kvFrom; kv < kvTo; kv++) {
      boolean ahead = kv == 0 && kvTo == shape.kvHeads(); // all heads need the lines in turn
      for (int i = 0; i < queries; i++) {
        query[i] = qOff + i / group * qStride + (kv * group + i % group) * shape.headDim();
      }
      AttentionLoops.scores(
          shape,
          q,
          query,
          queries,
          keys,
          pages,
          kv,
          ahead,
          from,
          to,
          first,
          last + rows - 1,
          p,
          scratch);
      for (int i = 0; i < queries; i++) {
        hide(p, i * width, 0, first - from);
        hide(p, i * width, last + i / group + 1 - from, width);
        sums[i] = SoftmaxLoops.max(p, i * width, width);
      }
      for (int i = 0; i < queries; i++) {
        sums[i] = SoftmaxLoops.expSum(p, i * width, sums[i], p, i * width, width, scratch.partial);
      }
      Arrays.fill(mixed, 0, queries * stride, 0f);
      AttentionLoops.mix(
          shape, p, 0, queries, width, from, values, pages, kv, ahead, first, last, mixed, scratch);
      for (int r = 1; r < rows; r++) { // the slots that only later rows see
        AttentionLoops.mix(
            shape, p, r * group, group, width, from, values, pages, kv, false, last + 1, last + r,
            mixed, scratch);
      }
      for (int i = 0; i < queries; i++) {
        int head = kv * group + i % group;
        int at = outOff + i / group * outStride + head * shape.valueDim();
        VectorKernels.divide(mixed, i * stride, sums[i], out, at, shape.valueDim());
      }
    }
  }

  /** Makes the scores of some slots of a query −∞. */
  private static void hide(float[] p, int row, int from, int to) {
    for (int i = from; i < to; i++) {
      p[row + i] = Float.NEGATIVE_INFINITY;
    }
  }
}
