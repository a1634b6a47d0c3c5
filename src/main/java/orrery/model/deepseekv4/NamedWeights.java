package orrery.model.deepseekv4;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import orrery.kernels.PackedMatrix;
import orrery.model.CheckpointWeights;
import orrery.model.Weights;

/**
 * Weights of a checkpoint by the names of DeepSeek's release, whatever the file calls them. Errors
 * name a tensor as the file does.
 *
 * <p>Inside transformers, all experts of a layer are two tensors:
 *
 * <pre>
 *   gate_up_proj [experts][2 · width][hidden]   w1 of an expert, then its w3
 *   down_proj    [experts][hidden][width]       w2
 * </pre>
 */
final class NamedWeights implements Weights {
  private static final Pattern EXPERT =
      Pattern.compile("(layers\\.\\d+\\.ffn\\.experts\\.)(\\d+)\\.(w[123])\\.weight");

  private final CheckpointWeights weights;
  private final TensorNames names;
  private final int experts;

  /**
   * @param experts of a layer
   */
  NamedWeights(CheckpointWeights weights, TensorNames names, int experts) {
    this.weights = weights;
    this.names = names;
    this.experts = experts;
  }

  @Override
  public boolean has(String name) {
    return weights.has(names.of(name));
  }

  @Override
  public PackedMatrix matrix(String name, int out, int in) {
    if (names == TensorNames.STATE) {
      Matcher expert = EXPERT.matcher(name);
      if (expert.matches()) {
        return expert(expert, out, in);
      }
    }
    return weights.matrix(names.of(name), out, in);
  }

  private PackedMatrix expert(Matcher name, int out, int in) {
    int e = Integer.parseInt(name.group(2));
    boolean down = name.group(3).equals("w2");
    int parts = down ? 1 : 2; // matrices of an expert in the tensor
    int part = name.group(3).equals("w3") ? 1 : 0;
    String tensor = names.of(name.group(1)) + (down ? "down_proj" : "gate_up_proj");
    long[] shape = {experts, (long) parts * out, in};
    return weights.matrix(tensor, shape, ((long) e * parts + part) * out, out, in);
  }

  @Override
  public PackedMatrix embedding(String name, int rows, int cols) {
    return weights.embedding(names.of(name), rows, cols);
  }

  @Override
  public PackedMatrix float32(String name, int out, int in) {
    return weights.float32(names.of(name), out, in);
  }

  @Override
  public PackedMatrix[] stack(String name, int count, int out, int in) {
    return weights.stack(names.of(name), count, out, in);
  }

  @Override
  public float[] vector(String name, int n) {
    return weights.vector(names.of(name), n);
  }

  @Override
  public float[] table(String name, int rows, int cols) {
    return weights.table(names.of(name), rows, cols);
  }

  @Override
  public int[] indices(String name, int rows, int cols, int below) {
    return weights.indices(names.of(name), rows, cols, below);
  }
}
