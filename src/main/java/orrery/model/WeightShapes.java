package orrery.model;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import orrery.kernels.PackedMatrix;
import orrery.quantization.WeightFormat;

/**
 * Weights of which only the shapes are there: what a model is made of, told before any checkpoint
 * is at hand. Tensors that a checkpoint may leave out are left out. Vectors and tables of the same
 * length are the same array.
 */
public final class WeightShapes implements Weights {
  private final WeightFormat format;
  private final Function<String, Optional<WeightFormat>> codes;

  // Arrays by length. There are as many as there are lengths, however many layers a config names.
  private final Map<Integer, float[]> floats = new ConcurrentHashMap<>();
  private final Map<Integer, int[]> ints = new ConcurrentHashMap<>();

  /**
   * @param format of every matrix that may be narrow
   */
  public WeightShapes(WeightFormat format) {
    this(format, name -> Optional.empty());
  }

  /**
   * @param format of every matrix that may be narrow, but is not in codes
   * @param codes the format of a matrix in codes, by the name of its tensor
   */
  public WeightShapes(WeightFormat format, Function<String, Optional<WeightFormat>> codes) {
    this.format = format;
    this.codes = codes;
  }

  @Override
  public boolean has(String name) {
    return false;
  }

  @Override
  public PackedMatrix matrix(String name, int out, int in) {
    return shape(name, codes.apply(name).orElse(format), out, in);
  }

  @Override
  public PackedMatrix float32(String name, int out, int in) {
    return shape(name, WeightFormat.F32, out, in);
  }

  @Override
  public PackedMatrix[] stack(String name, int count, int out, int in) {
    PackedMatrix[] stack = new PackedMatrix[count];
    Arrays.fill(stack, matrix(name, out, in));
    return stack;
  }

  private static PackedMatrix shape(String name, WeightFormat format, int out, int in) {
    try {
      return PackedMatrix.shape(format, out, in);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("tensor " + name + ": " + e.getMessage(), e);
    }
  }

  @Override
  public float[] vector(String name, int n) {
    return floats.computeIfAbsent(n, float[]::new);
  }

  @Override
  public float[] table(String name, int rows, int cols) {
    return vector(name, elements(name, rows, cols));
  }

  @Override
  public int[] indices(String name, int rows, int cols, int below) {
    return ints.computeIfAbsent(elements(name, rows, cols), int[]::new);
  }

  private static int elements(String name, int rows, int cols) {
    long elements = (long) rows * cols;
    if (elements > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "tensor "
              + name
              + ": expected a table that fits one Java array, found ["
              + rows
              + ", "
              + cols
              + "]");
    }
    return (int) elements;
  }
}
