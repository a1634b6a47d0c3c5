package orrery.model;

import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.DType;
import orrery.checkpoint.Tensor;
import orrery.kernels.PackedMatrix;

/** Reads weights of a checkpoint into the form that kernels need, without changing a value. */
public final class Weights {
  private final Checkpoint checkpoint;

  /** Reads from an open checkpoint. */
  public Weights(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  /** Whether the checkpoint has a tensor of that name. */
  public boolean has(String name) {
    return checkpoint.has(name);
  }

  /** A matrix [out][in]: bf16 stays bf16; f16 and f32 become f32, which holds them exactly. */
  public PackedMatrix matrix(String name, int out, int in) {
    Tensor t = checkpoint.tensor(name, out, in);
    PackedMatrix.Format format =
        t.dtype() == DType.BF16 ? PackedMatrix.Format.BF16 : PackedMatrix.Format.F32;
    return PackedMatrix.pack(format, out, in, (row, into) -> t.copyRow(row, into, 0));
  }

  /** A vector [n] as float32. */
  public float[] vector(String name, int n) {
    return checkpoint.tensor(name, n).floats();
  }
}
