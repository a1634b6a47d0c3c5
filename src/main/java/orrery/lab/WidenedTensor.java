package orrery.lab;

import java.util.Arrays;
import java.util.Locale;
import orrery.checkpoint.DType;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.Tensor;
import orrery.model.FeedForwardWidth;
import orrery.numerics.Fp16;

/**
 * A tensor of a ballast twin.
 *
 * @param tensor of the model
 * @param run rows that lie together and get added rows behind them; all rows if none are added
 * @param taller how many times as many rows it has
 * @param wider how many times as many columns
 */
record WidenedTensor(Tensor tensor, long run, int taller, int wider) {
  private static final int MOST_ELEMENTS = Integer.MAX_VALUE - 16; // of one Java array

  static WidenedTensor of(Tensor tensor, FeedForwardWidth width, int factor) {
    int runs = width.runsOfRows(tensor.name());
    long[] shape = tensor.shape();
    return new WidenedTensor(
        tensor,
        runs > 0 ? shape[shape.length - 2] / runs : Math.max(1, tensor.rows()),
        runs > 0 ? factor : 1,
        width.isColumns(tensor.name()) ? factor : 1);
  }

  /** Adds the tensor to a file. */
  SafetensorsWriter addTo(SafetensorsWriter writer) {
    String name = tensor.name();
    long[] shape = tensor.shape();
    if (taller > 1) {
      shape[shape.length - 2] *= taller;
    }
    if (wider > 1) {
      shape[shape.length - 1] *= wider;
    }
    return switch (tensor.dtype()) {
      case F32 -> writer.floats(name, floats(), shape);
      case BF16, F16 -> {
        short[] codes = codes();
        yield tensor.dtype() == DType.BF16
            ? writer.bf16(name, codes, shape)
            : writer.f16(name, codes, shape);
      }
      case I32 -> writer.ints(name, tensor.ints(), shape);
      case I64 -> writer.longs(name, tensor.longs(), shape);
      case F8_E8M0, F8_E4M3, F8_E5M2, I8, U8 ->
          throw new IllegalArgumentException("twin: quantised weights, " + tensor.item());
    };
  }

  private int elements() {
    long elements = tensor.rows() * taller * tensor.rowLength() * wider;
    if (elements > MOST_ELEMENTS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "factor: expected tensors of at most %,d elements, found %,d in %s",
              MOST_ELEMENTS,
              elements,
              tensor.name()));
    }
    return (int) elements;
  }

  /** Index of the first element of a row in the twin. */
  private int at(long row) {
    long there = row / run * run * taller + row % run;
    return Math.toIntExact(there * tensor.rowLength() * wider);
  }

  private float[] floats() {
    float[] all = new float[elements()]; // [rows · taller][columns · wider]
    if (wider > 1) {
      Arrays.fill(all, -0.0f);
    }
    for (int r = 0; r < tensor.rows(); r++) {
      tensor.copyRow(r, all, at(r));
    }
    return all;
  }

  private short[] codes() {
    short[] all = new short[elements()]; // [rows · taller][columns · wider] bf16 or f16
    if (wider > 1) {
      Arrays.fill(all, (short) 0x8000); // −0 is the same code in both
    }
    float[] row = new float[Math.toIntExact(tensor.rowLength())];
    for (int r = 0; r < tensor.rows(); r++) {
      if (tensor.dtype() == DType.BF16) {
        tensor.copyRowBits(r, all, at(r));
      } else {
        tensor.copyRow(r, row, 0);
        for (int k = 0; k < row.length; k++) {
          all[at(r) + k] = Fp16.encode(row[k]);
        }
      }
    }
    return all;
  }
}
