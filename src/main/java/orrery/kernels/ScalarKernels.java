package orrery.kernels;

import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.numerics.Sum16.PARTIALS;

import java.util.Arrays;
import orrery.numerics.Elementary;
import orrery.numerics.Sum16;
import orrery.quantization.ActivationRounding;

/**
 * The definition of every kernel: one plain loop each. Every other implementation must give these
 * bits.
 */
public final class ScalarKernels implements Kernels {
  private static final int PART = 64; // inputs decoded at a time

  private final LatentKernels latent = new ScalarLatentKernels();
  private final StreamKernels streams = new ScalarStreamKernels();

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public LatentKernels latent() {
    return latent;
  }

  @Override
  public StreamKernels streams() {
    return streams;
  }

  @Override
  public void matmul(
      PackedMatrix w,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo,
      Scratch scratch) {
    float[] weights = scratch.weights(PART * PANEL); // [PART][16] of one panel
    for (int panel = panelFrom; panel < panelTo; panel++) {
      for (int row = 0; row < rows; row++) {
        Arrays.fill(
            y,
            yOff + row * yStride + panel * PANEL,
            yOff + row * yStride + (panel + 1) * PANEL,
            0f);
      }
      for (int k = 0; k < w.in; k += PART) {
        int inputs = Math.min(PART, w.in - k);
        w.decode(panel, k, k + inputs, weights, 0);
        for (int row = 0; row < rows; row++) {
          chains(
              weights,
              inputs,
              x,
              xOff + row * xStride + k,
              y,
              yOff + row * yStride + panel * PANEL);
        }
      }
    }
  }

  /** The 16 outputs of a panel side by side; each is its own sum over increasing k. */
  private static void chains(float[] w, int inputs, float[] x, int xOff, float[] y, int yOff) {
    for (int k = 0; k < inputs; k++) {
      for (int lane = 0; lane < PANEL; lane++) {
        y[yOff + lane] = Math.fma(w[k * PANEL + lane], x[xOff + k], y[yOff + lane]);
      }
    }
  }

  @Override
  public void rmsNorm(
      float[] x,
      int xOff,
      float[] weight,
      int weightOff,
      float eps,
      int n,
      float[] y,
      int yOff,
      Scratch scratch) {
    float r = inverseRms(x, xOff, eps, n, scratch);
    for (int i = 0; i < n; i++) {
      y[yOff + i] = x[xOff + i] * r * weight[weightOff + i];
    }
  }

  @Override
  public float inverseRms(float[] x, int xOff, float eps, int n, Scratch scratch) {
    float[] partial = scratch.partial;
    Arrays.fill(partial, 0);
    for (int i = 0; i < n; i++) {
      partial[i % PARTIALS] = Math.fma(x[xOff + i], x[xOff + i], partial[i % PARTIALS]);
    }
    return 1f / (float) Math.sqrt(Sum16.fold(partial) / n + eps);
  }

  @Override
  public void rope(
      float[] x, int xOff, float[] cos, float[] sin, int tableOff, int pairs, boolean interleaved) {
    ropePairs(x, xOff, cos, sin, tableOff, 0, pairs, interleaved);
  }

  /**
   * Rotates the pairs from {@code firstPair} on; {@link VectorKernels} leaves it the last pairs,
   * which do not fill a vector.
   */
  static void ropePairs(
      float[] x,
      int xOff,
      float[] cos,
      float[] sin,
      int tableOff,
      int firstPair,
      int pairs,
      boolean interleaved) {
    for (int i = firstPair; i < pairs; i++) {
      int ai = xOff + (interleaved ? 2 * i : i);
      int bi = interleaved ? ai + 1 : ai + pairs;
      float a = x[ai];
      float b = x[bi];
      float c = cos[tableOff + i];
      float s = sin[tableOff + i];
      x[ai] = Math.fma(a, c, -(b * s));
      x[bi] = Math.fma(b, c, a * s);
    }
  }

  @Override
  public void swiglu(float[] gate, int gateOff, float[] up, int upOff, float[] y, int yOff, int n) {
    for (int i = 0; i < n; i++) {
      y[yOff + i] = Elementary.silu(gate[gateOff + i]) * up[upOff + i];
    }
  }

  @Override
  public void clampedSwiglu(
      float[] gate, int gateOff, float[] up, int upOff, float limit, float[] y, int yOff, int n) {
    for (int i = 0; i < n; i++) {
      float g = Math.min(gate[gateOff + i], limit);
      float u = Math.max(-limit, Math.min(up[upOff + i], limit));
      y[yOff + i] = Elementary.silu(g) * u;
    }
  }

  @Override
  public void sqrtSoftplus(float[] x, int xOff, float[] y, int yOff, int n, Scratch scratch) {
    for (int i = 0; i < n; i++) {
      y[yOff + i] = (float) Math.sqrt(Elementary.softplus(x[xOff + i]));
    }
  }

  @Override
  public void roundActivations(
      ActivationRounding rounding, float[] x, int xOff, int n, float[] y, int yOff) {
    rounding.round(x, xOff, n, y, yOff);
  }

  @Override
  public void sigmoid(float[] x, int xOff, float[] y, int yOff, int n) {
    for (int i = 0; i < n; i++) {
      y[yOff + i] = Elementary.sigmoid(x[xOff + i]);
    }
  }

  @Override
  public void add(float[] x, int xOff, float[] y, int yOff, int n) {
    for (int i = 0; i < n; i++) {
      y[yOff + i] += x[xOff + i];
    }
  }

  @Override
  public void addScaled(float a, float[] x, int xOff, float[] y, int yOff, int n) {
    for (int i = 0; i < n; i++) {
      y[yOff + i] = Math.fma(a, x[xOff + i], y[yOff + i]);
    }
  }

  @Override
  public void softmax(float[] x, int xOff, float[] y, int yOff, int n, Scratch scratch) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, x[xOff + i]);
    }
    float[] partial = scratch.partial;
    Arrays.fill(partial, 0);
    for (int i = 0; i < n; i++) {
      float e = Elementary.exp(x[xOff + i] - max);
      y[yOff + i] = e;
      partial[i % PARTIALS] += e;
    }
    float sum = Sum16.fold(partial);
    for (int i = 0; i < n; i++) {
      y[yOff + i] /= sum;
    }
  }

  @Override
  public void attend(
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
    float[] p = scratch.scores(last + rows); // [last + rows] scores, then probabilities, by slot
    float[] key = scratch.key(shape.headDim()); // [headDim]
    float[] value = scratch.mixed(shape.valueDim()); // [valueDim]
    for (int r = 0; r < rows; r++) {
      for (int head = kvFrom * shape.group(); head < kvTo * shape.group(); head++) {
        int kv = head / shape.group();
        int qHead = qOff + r * qStride + head * shape.headDim();
        float max = Float.NEGATIVE_INFINITY;
        for (int s = first; s <= last + r; s++) {
          shape.key(keys, pages, s, kv, key, 0, 1);
          float dot = 0;
          for (int d = 0; d < shape.headDim(); d++) {
            dot = Math.fma(q[qHead + d], key[d], dot);
          }
          p[s] = dot * shape.scale();
          max = Math.max(max, p[s]);
        }
        float[] partial = scratch.partial;
        Arrays.fill(partial, 0);
        for (int s = first; s <= last + r; s++) {
          p[s] = Elementary.exp(p[s] - max);
          partial[s % PARTIALS] += p[s];
        }
        float sum = Sum16.fold(partial);
        int to = outOff + r * outStride + head * shape.valueDim();
        Arrays.fill(out, to, to + shape.valueDim(), 0);
        for (int s = first; s <= last + r; s++) {
          shape.value(values, pages, s, kv, value, 0);
          for (int d = 0; d < shape.valueDim(); d++) {
            out[to + d] = Math.fma(p[s], value[d], out[to + d]);
          }
        }
        for (int d = 0; d < shape.valueDim(); d++) {
          out[to + d] /= sum;
        }
      }
    }
  }
}
