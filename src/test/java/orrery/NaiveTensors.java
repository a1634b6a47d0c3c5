package orrery;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Stream;
import orrery.NaiveFiles.Stored;
import orrery.graph.ActivationDtype;

/**
 * The tensors of a checkpoint for the oracles, read from the bytes of its files, also quantised
 * ones: a weight is code · scale, in doubles, rounded to a float once. It shares nothing with the
 * product's reader. For one thread.
 *
 * <p>Which form a matrix has is told by its tensors: FP8 codes with one scale, with a scale for
 * each row, or with a grid of scales for blocks; FP4 codes with a scale for each 16 or 32 of a row.
 */
final class NaiveTensors {
  private static final int FP4_INPUT = 128; // columns of an FP4 product's input that share a scale

  private final Map<String, Stored> tensors;
  private final Map<String, float[][]> decoded = new HashMap<>(); // quantised matrices by name
  private final Map<String, Optional<Stored>> scales = new HashMap<>(); // by name of the matrix
  private final JsonNode quantization; // of the config; missing if there is none
  private final ActivationDtype activations;

  NaiveTensors(Path model, ActivationDtype activations) {
    this.activations = activations;
    this.tensors = NaiveFiles.read(model);
    this.quantization = NaiveFiles.json(model.resolve("config.json")).path("quantization_config");
  }

  /** Whether there is a tensor of this name, or the packed codes of it. */
  boolean has(String name) {
    return tensors.containsKey(name) || tensors.containsKey(name + "_packed");
  }

  float[] vector(String name, int n) {
    Stored stored = require(name, n);
    return floats(stored.numbers(), 0, n);
  }

  /** A table of ids. */
  int[] ids(String name, int n) {
    Stored stored = require(name, n);
    int bytes = stored.dtype().equals("I64") ? Long.BYTES : Integer.BYTES;
    int[] ids = new int[n];
    for (int i = 0; i < n; i++) {
      ids[i] = stored.bytes().getInt(bytes * i);
    }
    return ids;
  }

  private Stored require(String name, int size) {
    Stored stored = tensors.get(name);
    if (stored == null || stored.size() != size) {
      throw new AssertionError(name + ": expected " + size + " numbers, found " + stored);
    }
    return stored;
  }

  /** The product of a matrix [out][in] with rows, [tokens][in] to [tokens][out]. */
  float[][] product(String name, int out, int in, float[][] x) {
    return product(name, matrix(name, out, in), x);
  }

  /** The same, with the matrix that has been read before. */
  float[][] product(String name, float[][] w, float[][] x) {
    Stored scale = scale(name);
    if (scale == null || activations == ActivationDtype.F32) {
      return Naive.product(w, x);
    }
    boolean power = scale.dtype().equals("F8_E8M0") || scale.dtype().equals("U8");
    boolean fp4 = isFp4(codes(name));
    int block = fp4 ? FP4_INPUT : block(scale, w.length, w[0].length)[1];
    boolean ue8m0 = quantization.path("scale_fmt").asText().equals("ue8m0");
    float[][] rounded = new float[x.length][];
    for (int t = 0; t < x.length; t++) {
      rounded[t] = NaiveCodes.rounded(x[t], block, power || ue8m0);
    }
    return Naive.product(w, rounded);
  }

  /** A matrix [out][in]. */
  float[][] matrix(String name, int out, int in) {
    Stored scale = scale(name);
    if (scale != null) {
      return decoded.computeIfAbsent(name, n -> decode(n, scale, out, in));
    }
    IntToDoubleFunction numbers = require(name, out * in).numbers();
    float[][] rows = new float[out][];
    for (int o = 0; o < out; o++) {
      rows[o] = floats(numbers, o * in, in);
    }
    return rows;
  }

  private static float[] floats(IntToDoubleFunction numbers, int from, int n) {
    float[] floats = new float[n];
    for (int i = 0; i < n; i++) {
      floats[i] = (float) numbers.applyAsDouble(from + i);
    }
    return floats;
  }

  /** The codes of a matrix. */
  private Stored codes(String name) {
    return tensors.getOrDefault(name, tensors.get(name + "_packed"));
  }

  /** Two codes in a byte; one byte with all 8 bits is a number of its own. */
  private static boolean isFp4(Stored codes) {
    return codes.dtype().equals("U8") || codes.dtype().equals("I8");
  }

  /** The scales of a matrix; null if its numbers are its weights. */
  private Stored scale(String name) {
    return scales.computeIfAbsent(name, this::findScale).orElse(null);
  }

  private Optional<Stored> findScale(String name) {
    String module = name.replaceFirst("weight$", "");
    return Stream.of("weight_scale_inv", "weight_scale", "scale")
        .map(leaf -> tensors.get(module + leaf))
        .filter(found -> found != null && name.endsWith("weight"))
        .findFirst();
  }

  private float[][] decode(String name, Stored scale, int out, int in) {
    Stored codes = codes(name);
    boolean fp4 = isFp4(codes);
    int[] block = fp4 ? new int[] {1, fp4Block(scale)} : block(scale, out, in);
    int across = ceil(in, block[1]);
    if (codes.size() * (fp4 ? 2 : 1) != out * in || scale.size() != ceil(out, block[0]) * across) {
      throw new AssertionError(name + ": " + codes + " and " + scale);
    }
    IntToDoubleFunction scales = scale.numbers();
    IntToDoubleFunction numbers =
        fp4
            ? i -> NaiveCodes.e2m1(codes.bytes().get(i / 2) >> (i % 2 == 0 ? 0 : 4) & 15)
            : codes.numbers();
    double whole = tensorScale(name);
    float[][] w = new float[out][in];
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        double s = scales.applyAsDouble(o / block[0] * across + i / block[1]);
        w[o][i] = (float) (numbers.applyAsDouble(o * in + i) * s * whole);
      }
    }
    return w;
  }

  /** The scale of a whole NVFP4 tensor: ModelOpt multiplies by it, compressed-tensors divides. */
  private double tensorScale(String name) {
    String module = name.replaceFirst("weight$", "");
    if (tensors.containsKey(module + "weight_scale_2")) {
      return vector(module + "weight_scale_2", 1)[0];
    }
    return tensors.containsKey(module + "weight_global_scale")
        ? (float) (1.0 / vector(module + "weight_global_scale", 1)[0])
        : 1;
  }

  private static int fp4Block(Stored scale) {
    return scale.dtype().equals("F8_E4M3") ? 16 : 32;
  }

  /** Rows and columns of the block that has one FP8 scale; all of them if there is one scale. */
  private int[] block(Stored scale, int out, int in) {
    JsonNode size = quantization.path("weight_block_size");
    for (JsonNode group : quantization.path("config_groups")) {
      JsonNode structure = group.path("weights").path("block_structure");
      size = size.isArray() ? size : structure;
    }
    int rows = size.path(0).asInt(out);
    int columns = size.path(1).asInt(in);
    return scale.size() == 1
        ? new int[] {out, in}
        : scale.dtype().equals("U8")
            ? new int[] {1, 32}
            : size.isArray() && scale.size() == ceil(out, rows) * ceil(in, columns)
                ? new int[] {rows, columns}
                : new int[] {1, in};
  }

  private static int ceil(int n, int by) {
    return (n + by - 1) / by;
  }
}
