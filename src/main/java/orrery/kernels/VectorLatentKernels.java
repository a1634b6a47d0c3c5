package orrery.kernels;

import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import java.util.Arrays;
import java.util.stream.IntStream;
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
 *
 * <p>Rows of few bits are decoded, some at a time, and then take the same loops.
 */
final class VectorLatentKernels implements LatentKernels {
  private static final int BLOCK = 64; // keys of an index whose products are held at a time

  /** The list of decoded rows: all of them, [DECODED]. */
  private static final int[] ONE_BY_ONE = IntStream.range(0, DECODED).toArray();

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
      CachedRows near,
      CachedRows far,
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
    float[] mixed = scratch.mixed(heads * headDim); // [heads][headDim]
    Arrays.fill(mixed, 0, heads * headDim, 0f);
    float[] sums = scratch.sums(lanes);
    if (near instanceof F32Rows nearF32 && far instanceof F32Rows farF32) {
      float[] a = nearF32.data();
      float[] b = farF32.data();
      LatentLoops.scores(turned, lanes, headDim, scale, a, rows, 0, nearRows, p, 0);
      LatentLoops.scores(turned, lanes, headDim, scale, b, rows, nearRows, n, p, nearRows * lanes);
      softmaxByLane(p, n, lanes, sink, sinkOff, heads, sums);
      LatentLoops.mix(p, 0, lanes, heads, a, rows, 0, nearRows, mixed, headDim);
      LatentLoops.mix(p, nearRows * lanes, lanes, heads, b, rows, nearRows, n, mixed, headDim);
    } else {
      float[] decoded = scratch.decoded(Math.min(n, DECODED) * headDim); // [rows][headDim]
      int last = (n - 1) / DECODED * DECODED;
      for (int from = last; from >= 0; from -= DECODED) { // the first rows are decoded last
        int to = Math.min(n, from + DECODED);
        decode(near, far, rows, nearRows, from, to, decoded);
        LatentLoops.scores(
            turned, lanes, headDim, scale, decoded, ONE_BY_ONE, 0, to - from, p, from * lanes);
      }
      softmaxByLane(p, n, lanes, sink, sinkOff, heads, sums);
      for (int from = 0; from < n; from += DECODED) {
        int to = Math.min(n, from + DECODED);
        if (from > 0) {
          decode(near, far, rows, nearRows, from, to, decoded);
        }
        LatentLoops.mix(
            p, from * lanes, lanes, heads, decoded, ONE_BY_ONE, 0, to - from, mixed, headDim);
      }
    }
    for (int h = 0; h < heads; h++) {
      VectorKernels.divide(mixed, h * headDim, sums[h], out, outOff + h * headDim, headDim);
    }
  }

  /** The rows [from, to) of a list, whose first {@code nearRows} are near. */
  private static void decode(
      CachedRows near,
      CachedRows far,
      int[] rows,
      int nearRows,
      int from,
      int to,
      float[] decoded) {
    int border = Math.clamp(nearRows, from, to);
    RowLoops.read(near, rows, from, border, decoded, 0);
    RowLoops.read(far, rows, border, to, decoded, (border - from) * far.width());
  }

  /**
   * p[i] = exp(p[i] − max), lane by lane; sums = Σ p[i] over n rows, then plus that of the sinks.
   *
   * @param p [n + 17][lanes] the rows, room for the sinks and for 16 partial sums
   * @param sink [heads] from sinkOff
   * @param sums [lanes]
   */
  private static void softmaxByLane(
      float[] p, int n, int lanes, float[] sink, int sinkOff, int heads, float[] sums) {
    System.arraycopy(sink, sinkOff, p, n * lanes, heads);
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
      CachedRows keys,
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
    float[] decoded = keys instanceof F32Rows ? null : scratch.decoded(BLOCK * headDim);
    for (int from = 0; from < n; from += BLOCK) {
      int to = Math.min(n, from + BLOCK);
      if (keys instanceof F32Rows r) {
        LatentLoops.scores(turned, lanes, headDim, 1f, r.data(), rows, from, to, p, 0);
      } else {
        RowLoops.read(keys, rows, from, to, decoded, 0);
        LatentLoops.scores(turned, lanes, headDim, 1f, decoded, ONE_BY_ONE, 0, to - from, p, 0);
      }
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
    return Fold.sum(partial);
  }
}
