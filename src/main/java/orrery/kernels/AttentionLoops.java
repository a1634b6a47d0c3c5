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
   * Scores of the slots [from, to), multiples of 16, from token-minor tiles of 16 keys. Two heads
   * by four tiles side by side: one chain alone waits for its own fma. Missing heads and tiles
   * repeat the last one.
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
    int lastTile = to - 16;
    for (int slot0 = from; slot0 < to; slot0 += 64) {
      int slot1 = Math.min(slot0 + 16, lastTile);
      int slot2 = Math.min(slot0 + 32, lastTile);
      int slot3 = Math.min(slot0 + 48, lastTile);
      int tile0 = shape.keyIndex(pages[pagesOff + slot0 / pageTokens], slot0 % pageTokens, kv);
      int tile1 = shape.keyIndex(pages[pagesOff + slot1 / pageTokens], slot1 % pageTokens, kv);
      int tile2 = shape.keyIndex(pages[pagesOff + slot2 / pageTokens], slot2 % pageTokens, kv);
      int tile3 = shape.keyIndex(pages[pagesOff + slot3 / pageTokens], slot3 % pageTokens, kv);
      for (int g = 0; g < group; g += 2) {
        int h = Math.min(g + 1, group - 1);
        int qG = qOff + g * headDim;
        int qH = qOff + h * headDim;
        int rowG = g * (to - from) - from;
        int rowH = h * (to - from) - from;
        for (int sub = 0; sub < 16; sub += LANES) {
          FloatVector g0 = FloatVector.zero(F);
          FloatVector g1 = g0;
          FloatVector g2 = g0;
          FloatVector g3 = g0;
          FloatVector h0 = g0;
          FloatVector h1 = g0;
          FloatVector h2 = g0;
          FloatVector h3 = g0;
          for (int d = 0; d < headDim; d++) {
            FloatVector s = FloatVector.broadcast(F, q[qG + d]);
            FloatVector t = FloatVector.broadcast(F, q[qH + d]);
            int at = d * 16 + sub;
            FloatVector k = FloatVector.fromArray(F, keys, tile0 + at);
            g0 = k.fma(s, g0);
            h0 = k.fma(t, h0);
            k = FloatVector.fromArray(F, keys, tile1 + at);
            g1 = k.fma(s, g1);
            h1 = k.fma(t, h1);
            k = FloatVector.fromArray(F, keys, tile2 + at);
            g2 = k.fma(s, g2);
            h2 = k.fma(t, h2);
            k = FloatVector.fromArray(F, keys, tile3 + at);
            g3 = k.fma(s, g3);
            h3 = k.fma(t, h3);
          }
          g0.mul(scale).intoArray(p, rowG + slot0 + sub);
          g1.mul(scale).intoArray(p, rowG + slot1 + sub);
          g2.mul(scale).intoArray(p, rowG + slot2 + sub);
          g3.mul(scale).intoArray(p, rowG + slot3 + sub);
          h0.mul(scale).intoArray(p, rowH + slot0 + sub);
          h1.mul(scale).intoArray(p, rowH + slot1 + sub);
          h2.mul(scale).intoArray(p, rowH + slot2 + sub);
          h3.mul(scale).intoArray(p, rowH + slot3 + sub);
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
   * between pages the chains rest in {@code mixed}, which keeps their bits. Four heads by two
   * vectors of dims side by side; missing ones repeat the last.
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
      for (int g = 0; g < group; g += 4) {
        int a = g;
        int b = Math.min(g + 1, group - 1);
        int c = Math.min(g + 2, group - 1);
        int d = Math.min(g + 3, group - 1);
        int aWeight = a * (to - from) + slot - from;
        int bWeight = b * (to - from) + slot - from;
        int cWeight = c * (to - from) + slot - from;
        int dWeight = d * (to - from) + slot - from;
        int aRow = a * stride;
        int bRow = b * stride;
        int cRow = c * stride;
        int dRow = d * stride;
        for (int col = 0; col < stride; col += 2 * LANES) {
          int next = Math.min(col + LANES, stride - LANES);
          FloatVector a0 = FloatVector.fromArray(F, mixed, aRow + col);
          FloatVector a1 = FloatVector.fromArray(F, mixed, aRow + next);
          FloatVector b0 = FloatVector.fromArray(F, mixed, bRow + col);
          FloatVector b1 = FloatVector.fromArray(F, mixed, bRow + next);
          FloatVector c0 = FloatVector.fromArray(F, mixed, cRow + col);
          FloatVector c1 = FloatVector.fromArray(F, mixed, cRow + next);
          FloatVector d0 = FloatVector.fromArray(F, mixed, dRow + col);
          FloatVector d1 = FloatVector.fromArray(F, mixed, dRow + next);
          for (int s = 0; s < run; s++) {
            int at = value + s * width;
            FloatVector v0 = FloatVector.fromArray(F, values, at + col);
            FloatVector v1 = FloatVector.fromArray(F, values, at + next);
            FloatVector w = FloatVector.broadcast(F, p[aWeight + s]);
            a0 = v0.fma(w, a0);
            a1 = v1.fma(w, a1);
            w = FloatVector.broadcast(F, p[bWeight + s]);
            b0 = v0.fma(w, b0);
            b1 = v1.fma(w, b1);
            w = FloatVector.broadcast(F, p[cWeight + s]);
            c0 = v0.fma(w, c0);
            c1 = v1.fma(w, c1);
            w = FloatVector.broadcast(F, p[dWeight + s]);
            d0 = v0.fma(w, d0);
            d1 = v1.fma(w, d1);
          }
          a0.intoArray(mixed, aRow + col);
          a1.intoArray(mixed, aRow + next);
          b0.intoArray(mixed, bRow + col);
          b1.intoArray(mixed, bRow + next);
          c0.intoArray(mixed, cRow + col);
          c1.intoArray(mixed, cRow + next);
          d0.intoArray(mixed, dRow + col);
          d1.intoArray(mixed, dRow + next);
        }
      }
      slot += run;
    }
  }
}
