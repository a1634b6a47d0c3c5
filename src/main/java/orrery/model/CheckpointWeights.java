package orrery.model;

import java.util.Optional;
import java.util.stream.IntStream;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.DType;
import orrery.checkpoint.Tensor;
import orrery.checkpoint.quantized.CodedTensor;
import orrery.checkpoint.quantized.CodedWeights;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.checkpoint.quantized.Slice;
import orrery.kernels.PackedMatrix;
import orrery.quantization.WeightFormat;

/** Reads weights of a checkpoint into the form that kernels need, without changing a value. */
public final class CheckpointWeights implements Weights {
  private final Checkpoint checkpoint;
  private final CodedWeights coded;

  /** Reads from an open checkpoint of floats; matrices in codes are refused. */
  public CheckpointWeights(Checkpoint checkpoint) {
    this(checkpoint, QuantizationConfig.none(checkpoint.directory().resolve("config.json")));
  }

  /** Reads from an open checkpoint, whose config tells how codes are scaled. */
  public CheckpointWeights(Checkpoint checkpoint, QuantizationConfig config) {
    this.checkpoint = checkpoint;
    this.coded = new CodedWeights(checkpoint, config);
  }

  @Override
  public boolean has(String name) {
    return checkpoint.has(name);
  }

  /**
   * bf16 stays bf16, and codes stay codes; f16 and f32 become f32, which holds them exactly.
   * Whether a matrix is stored in codes is a matter of the checkpoint.
   */
  @Override
  public PackedMatrix matrix(String name, int out, int in) {
    return matrix(name, Slice.whole(out, in), true);
  }

  /**
   * A matrix that is a run of rows of a stack of matrices, such as one expert of all.
   *
   * @param stack shape of the stacked tensor; the last dimension is {@code in}
   * @param first the first row, counted through the whole stack
   */
  public PackedMatrix matrix(String name, long[] stack, long first, int out, int in) {
    return matrix(name, new Slice(stack, first, out, in), true);
  }

  private PackedMatrix matrix(String name, Slice slice, boolean rounded) {
    Optional<CodedTensor> codes = coded.find(name, slice, rounded);
    if (codes.isPresent()) {
      return PackedMatrix.pack(codes.get());
    }
    return floats(checkpoint.tensor(name, slice.shape()), slice.first(), slice.out(), slice.in());
  }

  /** As {@link #matrix}, but never in codes: no release has an embedding in codes. */
  @Override
  public PackedMatrix embedding(String name, int rows, int cols) {
    return floats(checkpoint.tensor(name, rows, cols), 0, rows, cols);
  }

  /** As the checkpoint has it, but never in codes. */
  @Override
  public PackedMatrix float32(String name, int out, int in) {
    return floats(checkpoint.tensor(name, out, in), 0, out, in);
  }

  @Override
  public PackedMatrix[] stack(String name, int count, int out, int in) {
    long[] shape = {(long) count * out, in};
    return IntStream.range(0, count)
        .mapToObj(m -> matrix(name, new Slice(shape, (long) m * out, out, in), false))
        .toArray(PackedMatrix[]::new);
  }

  private static PackedMatrix floats(Tensor t, long first, int out, int in) {
    return t.dtype() == DType.BF16
        ? PackedMatrix.packBits(out, in, (row, into) -> t.copyRowBits(first + row, into, 0))
        : PackedMatrix.pack(
            WeightFormat.F32, out, in, (row, into) -> t.copyRow(first + row, into, 0));
  }

  /**
   * Ends loading: refuses tensors that nothing has read, and tells of scales that were passed over.
   */
  public void end() {
    checkpoint.refuseUnread();
    coded.tellPassedOver();
  }

  @Override
  public float[] vector(String name, int n) {
    return checkpoint.tensor(name, n).floats();
  }

  @Override
  public float[] table(String name, int rows, int cols) {
    return checkpoint.tensor(name, rows, cols).floats();
  }

  @Override
  public int[] indices(String name, int rows, int cols, int below) {
    return checkpoint.tensor(name, rows, cols).indices(below);
  }

  /** Whether two tensors of one shape hold the same values, whatever they are stored as. */
  public boolean same(String name, String other, int out, int in) {
    Tensor a = checkpoint.tensor(name, out, in);
    Tensor b = checkpoint.tensor(other, out, in);
    float[] rowA = new float[in]; // [in]
    float[] rowB = new float[in]; // [in]
    for (int row = 0; row < out; row++) {
      a.copyRow(row, rowA, 0);
      b.copyRow(row, rowB, 0);
      for (int i = 0; i < in; i++) {
        if (rowA[i] != rowB[i]) { // so NaN is the same as nothing
          return false;
        }
      }
    }
    return true;
  }
}
