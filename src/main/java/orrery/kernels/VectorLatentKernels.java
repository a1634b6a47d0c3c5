package orrery.kernels;

import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import orrery.numerics.Sum16;

/**
 * The kernels of latent attention with the Panama Vector API: the bits of {@link
 * ScalarLatentKernels}.
 *
 * <p>All heads read the same cached rows. So the lanes of scores and of their softmax are heads:
 * one element of a row is broadcast to all heads, and no sum is split. Heads that do not fill a
 * vector leave lanes idle, which hold garbage that is never read. Where rows are mixed, lanes are
 * columns.
 */
final class VectorLatentKernels implements LatentKernels {
  private static final int BLOCK = 64; // keys of an index whose products are held at a time

  /** Lanes of whole vectors of heads. */
  private static int lanes(int heads) {
    return (heads + LANES - 1) / LANES * LANES;
  }

  @Override
  public void attend(
      float[] q,
      int qOff,
      int heads,
      int headDim,
      float scale,
      float[] sink,
      int sinkOff,
      float[] near,
      float[] far,
      int[] rows,
      int nearRows,
      int n,
      float[] out,
      int outOff,
      Scratch scratch) {
    int lanes = lanes(heads);
    float[] turned = scratch.tiles(lanes * headDim); // [lanes / LANES][headDim][LANES]
    LatentLoops.turn(q, qOff, heads, headDim, turned);
    float[] p = scratch.scores((n + 17) * lanes); // [n rows, the sinks, 16 partial sums][lanes]
    LatentLoops.scores(turned, lanes, headDim, scale, near, rows, 0, nearRows, p, 0);
    LatentLoops.scores(turned, lanes, headDim, scale, far, rows, nearRows, n, p, nearRows * lanes);
    System.arraycopy(sink, sinkOff, p, n * lanes, heads);
    float[] sums = scratch.sums(lanes);
    softmaxByLane(p, n, lanes, sums);
    float[] mixed = scratch.mixed(heads * headDim); // [heads][headDim]
    Arrays.fill(mixed, 0, heads * headDim, 0f);
    LatentLoops.mix(p, lanes, heads, near, rows, 0, nearRows, mixed, headDim);
    LatentLoops.mix(p, lanes, heads, far, rows, nearRows, n, mixed, headDim);
    for (int h = 0; h < heads; h++) {
      VectorKernels.divide(mixed, h * headDim, sums[h], out, outOff + h * headDim, headDim);
    }
  }

  /**
   * p[i] = exp(p[i] − max), lane by lane; sums = Σ p[i] over n rows, then plus that of the sinks.
   *
   * @param p [n + 17][lanes] the rows, the sinks, and room for 16 partial sums
   * @param sums [lanes]
   */
  private static void softmaxByLane(float[] p, int n, int lanes, float[] sums) {
    for (int lane = 0; lane < lanes; lane += LANES) {
      FloatVector max = FloatVector.fromArray(F, p, n * lanes + lane);
      for (int i = 0; i < n; i++) {
        max = max.max(FloatVector.fromArray(F, p, i * lanes + lane));
      }
      for (int i = 0; i <= n; i++) {
        FloatVector.fromArray(F, p, i * lanes + lane).sub(max).intoArray(p, i * lanes + lane);
      }
    }
    VectorKernels.exp(1f, p, 0, 0f, p, 0, (n + 1) * lanes);
    int partials = (n + 1) * lanes;
    for (int lane = 0; lane < lanes; lane += LANES) {
      for (int j = 0; j < Sum16.PARTIALS; j++) {
        FloatVector sum = FloatVector.zero(F);
        for (int i = j; i < n; i += Sum16.PARTIALS) {
          sum = sum.add(FloatVector.fromArray(F, p, i * lanes + lane));
        }
        sum.intoArray(p, partials + j * lanes + lane);
      }
      for (int half = Sum16.PARTIALS / 2; half > 0; half /= 2) { // the tree of Sum16
        for (int j = 0; j < half; j++) {
          int at = partials + j * lanes + lane;
          FloatVector.fromArray(F, p, at)
              .add(FloatVector.fromArray(F, p, at + half * lanes))
              .intoArray(p, at);
        }
      }
      FloatVector.fromArray(F, p, partials + lane)
          .add(FloatVector.fromArray(F, p, n * lanes + lane))
          .intoArray(sums, lane);
    }
  }

  @Override
  public void compress(
      float[] state,
      int[] rows,
      int n,
      int gate,
      int channels,
      float[] out,
      int outOff,
      Scratch scratch) {
    float[] e = scratch.scores(n * LANES); // [n][LANES]
    int c = 0;
    for (; c + LANES <= channels; c += LANES) {
      FloatVector max = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
      for (int i = 0; i < n; i++) {
        FloatVector g = FloatVector.fromArray(F, state, rows[i] + gate + c);
        g.intoArray(e, i * LANES);
        max = max.max(g);
      }
      for (int i = 0; i < n * LANES; i += LANES) {
        FloatVector.fromArray(F, e, i).sub(max).intoArray(e, i);
      }
      VectorKernels.exp(1f, e, 0, 0f, e, 0, n * LANES);
      FloatVector sum = FloatVector.zero(F);
      FloatVector mixed = sum;
      for (int i = 0; i < n; i++) {
        FloatVector weight = FloatVector.fromArray(F, e, i * LANES);
        sum = sum.add(weight);
        mixed = weight.fma(FloatVector.fromArray(F, state, rows[i] + c), mixed);
      }
      mixed.div(sum).intoArray(out, outOff + c);
    }
    ScalarLatentKernels.compressChannels(state, rows, n, gate, c, channels, out, outOff);
  }

  @Override
  public void indexScores(
      float[] q,
      int qOff,
      int heads,
      int headDim,
      float[] weights,
      int weightsOff,
      float scale,
      float[] keys,
      int[] rows,
      int n,
      float[] scores,
      int scoresOff,
      Scratch scratch) {
    int lanes = lanes(heads);
    float[] turned = scratch.tiles(lanes * headDim); // [lanes / LANES][headDim][LANES]
    LatentLoops.turn(q, qOff, heads, headDim, turned);
    float[] scaled = scratch.sums(heads); // [heads]
    for (int h = 0; h < heads; h++) {
      scaled[h] = weights[weightsOff + h] * scale;
    }
    float[] p = scratch.scores(BLOCK * lanes); // [BLOCK][lanes]
    for (int from = 0; from < n; from += BLOCK) {
      int to = Math.min(n, from + BLOCK);
      LatentLoops.scores(turned, lanes, headDim, 1f, keys, rows, from, to, p, 0);
      for (int i = from; i < to; i++) {
        scores[scoresOff + i] = matches(p, (i - from) * lanes, scaled, heads, scratch.partial);
      }
    }
  }

  /** Σ_h weights[h] · max(0, p[at + h]), head h in partial h mod 16. */
  private static float matches(float[] p, int at, float[] weights, int heads, float[] partial) {
    int whole = heads / PANEL * PANEL;
    for (int sub = 0; sub < PANEL; sub += LANES) {
      FloatVector sum = FloatVector.zero(F);
      for (int h = sub; h < whole; h += PANEL) {
        FloatVector match = FloatVector.fromArray(F, p, at + h).max(0f);
        sum = FloatVector.fromArray(F, weights, h).fma(match, sum);
      }
      sum.intoArray(partial, sub);
    }
    for (int h = whole; h < heads; h++) {
      partial[h - whole] = Math.fma(weights[h], Math.max(0f, p[at + h]), partial[h - whole]);
    }
    return Sum16.fold(partial);
  }
}
