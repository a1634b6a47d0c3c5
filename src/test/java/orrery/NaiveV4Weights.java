package orrery;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import orrery.graph.ActivationDtype;
import orrery.numerics.Sum16;

/**
 * The tensors of a {@code deepseek_v4} checkpoint under the names of DeepSeek's release. For one
 * thread.
 */
final class NaiveV4Weights {
  private final NaiveTensors tensors;
  private final float eps;
  private final Map<String, String> names = new HashMap<>(); // in this checkpoint, as asked for
  private final Map<String, float[][]> read = new HashMap<>(); // [out][in] of each name
  private final Map<String, float[]> vectors = new HashMap<>(); // [n] of each name
  private final Map<String, int[]> tables = new HashMap<>(); // [vocab * topK] of each name

  NaiveV4Weights(Path model, float eps, ActivationDtype activations) {
    this.tensors = new NaiveTensors(model, activations);
    this.eps = eps;
  }

  float inverseRms(float[] x) {
    float[] partial = new float[16];
    for (int i = 0; i < x.length; i++) {
      partial[i % 16] = Math.fma(x[i], x[i], partial[i % 16]);
    }
    return 1f / (float) Math.sqrt(Sum16.fold(partial) / x.length + eps);
  }

  float[][] norm(float[][] x, String name) {
    float[][] y = new float[x.length][];
    for (int t = 0; t < x.length; t++) {
      y[t] = x[t].clone();
      float[] weight = vector(name + ".weight", x[t].length);
      float r = inverseRms(x[t]);
      for (int i = 0; i < weight.length; i++) {
        y[t][i] = x[t][i] * r * weight[i];
      }
    }
    return y;
  }

  static float[][] columns(float[][] x, int from, int n) {
    return Arrays.stream(x)
        .map(row -> Arrays.copyOfRange(row, from, from + n))
        .toArray(float[][]::new);
  }

  float[][] matrix(String name, int out, int in) {
    return read.computeIfAbsent(name, n -> tensors.matrix(name(n), out, in));
  }

  /** The product of a matrix [out][in] with rows. */
  float[][] product(String name, int out, int in, float[][] x) {
    return tensors.product(name(name), matrix(name, out, in), x);
  }

  float[] vector(String name, int n) {
    return vectors.computeIfAbsent(name, asked -> tensors.vector(name(asked), n));
  }

  /** The experts that a table gives to a token. */
  int[] row(String table, NaiveV4Config c, int token) {
    int[] all =
        tables.computeIfAbsent(table, asked -> tensors.ids(name(asked), c.vocab() * c.topK()));
    return Arrays.copyOfRange(all, token * c.topK(), (token + 1) * c.topK());
  }

  /** The name in this checkpoint: DeepSeek's, or one of the two of transformers. */
  private String name(String name) {
    return names.computeIfAbsent(name, this::find);
  }

  private String find(String name) {
    return Stream.of(name, NaiveV4Names.saved(name))
        .filter(tensors::has)
        .findFirst()
        .orElse(NaiveV4Names.parameter(name));
  }
}
