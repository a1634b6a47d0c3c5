package orrery.kernels;

import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * The inner loops of {@link VectorKernels#attend}: scores with keys in the lanes, mixing with dims
 * in the lanes.
 */
final class AttentionLoops {
  private AttentionLoops() {}

  /**
   * Scores of the slots [from, to), multiples of 16, from token-minor tiles of 16 keys.
   *
   * @param q [group][headDim] from qOff
   * @param p [group][to - from] receives the scores; those of invisible slots are garbage
   */
  static void scoresByTile(
      AttentionShape shape,
      float[] q,
      int qOff,
      float[] keys,
      int[] pages,
      int pagesOff,
      int kv,
      int from,
      int to,
      float[] p) {
    int group = shape.group();
    int headDim = shape.headDim();
    int pageTokens = shape.pageTokens();
    float scale = shape.scale();
    for (int slot = from; slot < to; slot += 16) {
      int tile = shape.keyIndex(pages[pagesOff + slot / pageTokens], slot % pageTokens, kv);
      for (int g = 0; g < group; g++) {
        int qHead = qOff + g * headDim;
        for (int sub = 0; sub < 16; sub += LANES) {
          FloatVector dot = FloatVector.zero(F);
          for (int d = 0; d < headDim; d++) {
            dot =
                FloatVector.broadcast(F, q[qHead + d])
                    .fma(FloatVector.fromArray(F, keys, tile + d * 16 + sub), dot);
          }
          dot.mul(scale).intoArray(p, g * (to - from) + slot - from + sub);
        }
      }
    }
  }

  /**
   * The same for pages that are no multiple of 16 tokens: sixteen keys are gathered from wherever
   * they lie. This is what small pages cost.
   *
   * @param index [16] scratch
   */
  static void scoresByGather(
      AttentionShape shape,
      float[] q,
      int qOff,
      float[] keys,
      int[] pages,
      int pagesOff,
      int kv,
      int from,
      int to,
      int first,
      int last,
      float[] p,
      int[] index) {
    int group = shape.group();
    int headDim = shape.headDim();
    int pageTokens = shape.pageTokens();
    int tile = shape.tile();
    float scale = shape.scale();
    for (int slot = from; slot < to; slot += 16) {
      for (int lane = 0; lane < 16; lane++) {
        int s =
            Math.max(first, Math.min(last, slot + lane)); // invisible lanes read some visible key
        index[lane] = shape.keyIndex(pages[pagesOff + s / pageTokens], s % pageTokens, kv);
      }
      for (int g = 0; g < group; g++) {
        int qHead = qOff + g * headDim;
        for (int sub = 0; sub < 16; sub += LANES) {
          FloatVector dot = FloatVector.zero(F);
          for (int d = 0; d < headDim; d++) {
            dot =
                FloatVector.broadcast(F, q[qHead + d])
                    .fma(FloatVector.fromArray(F, keys, d * tile, index, sub), dot);
          }
          dot.mul(scale).intoArray(p, g * (to - from) + slot - from + sub);
        }
      }
    }
  }

  /**
   * mixed[g][d] = fma over increasing slots of p[g][slot] · value[slot][d]. Runs page by page;
   * between pages the chains rest in {@code mixed}, which keeps their bits.
   *
   * @param mixed [group][valueStride], zero at the start
   */
  static void mix(
      AttentionShape shape,
      float[] p,
      float[] values,
      int[] pages,
      int pagesOff,
      int kv,
      int from,
      int to,
      int first,
      int last,
      float[] mixed) {
    int group = shape.group();
    int pageTokens = shape.pageTokens();
    int width = shape.valueWidth();
    int stride = shape.valueStride();
    for (int slot = first; slot <= last; ) {
      int run = Math.min(Math.min(last + 1 - slot, pageTokens - slot % pageTokens), 16);
      int value = shape.valueIndex(pages[pagesOff + slot / pageTokens], slot % pageTokens, kv);
      for (int g = 0; g < group; g++) {
        int weight = g * (to - from) + slot - from;
        for (int d = 0; d < stride; d += LANES) {
          FloatVector sum = FloatVector.fromArray(F, mixed, g * stride + d);
          for (int s = 0; s < run; s++) {
            sum =
                FloatVector.broadcast(F, p[weight + s])
                    .fma(FloatVector.fromArray(F, values, value + s * width + d), sum);
          }
          sum.intoArray(mixed, g * stride + d);
        }
      }
      slot += run;
    }
  }
}
