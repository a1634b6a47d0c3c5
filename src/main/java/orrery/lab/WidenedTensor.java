package orrery.lab;

import java.lang.foreign.MemorySegment;
import java.util.Locale;
import orrery.checkpoint.DType;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.Tensor;
import orrery.checkpoint.TensorInfo;

/**
 * A tensor of a ballast twin: one dimension is longer, all else is the model's tensor, byte for
 * byte.
 *
 * <pre>
 *   [outer][runs · size][inner]  →  [outer][runs · longer][inner]      each run grows at its end
 * </pre>
 *
 * @param tensor of the model
 * @param dimension that is longer
 * @param runs equal parts of that dimension, for example the gates and the ups of an expert
 * @param longer size of a part in the twin
 * @param fill what the added elements are
 */
record WidenedTensor(Tensor tensor, int dimension, int runs, long longer, Fill fill) {
  private static final long MOST_BYTES = Integer.MAX_VALUE - 16; // of one Java array

  /** The bits of an added element. */
  enum Fill {
    /** +0, or the code of +0. */
    ZERO,
    /** −0, or the code of −0, or those of two. */
    MINUS_ZERO,
    /** 1, as a scale. */
    ONE;

    /** The bits of an element, in the low bytes. */
    int bits(DType type) {
      return switch (this) {
        case ZERO -> 0;
        case MINUS_ZERO ->
            switch (type) {
              case F32 -> 0x8000_0000;
              case BF16, F16 -> 0x8000;
              case F8_E4M3, F8_E5M2 -> 0x80;
              case U8, I8 -> 0x88; // two FP4 codes
              default -> throw new IllegalArgumentException("no -0 in " + type);
            };
        case ONE ->
            switch (type) {
              case F32 -> Float.floatToRawIntBits(1);
              case BF16 -> Float.floatToRawIntBits(1) >>> 16;
              case F8_E8M0, U8 -> 127;
              case F8_E4M3 -> 0x38;
              default -> throw new IllegalArgumentException("no scale 1 in " + type);
            };
      };
    }
  }

  /** Adds the tensor to a file. */
  SafetensorsWriter addTo(SafetensorsWriter writer) {
    long[] shape = tensor.shape();
    long size = shape[dimension] / runs;
    long outer = runs;
    for (int d = 0; d < dimension; d++) {
      outer *= shape[d];
    }
    long inner = tensor.dtype().bytes(); // bytes of what an index of the dimension has
    for (int d = dimension + 1; d < shape.length; d++) {
      inner *= shape[d];
    }
    byte[] bytes = bytes(outer, longer * inner); // [outer · runs][longer][inner]
    MemorySegment data = MemorySegment.ofArray(bytes);
    for (long o = 0; o < outer; o++) {
      long at = o * longer * inner;
      MemorySegment.copy(tensor.data(), o * size * inner, data, at, size * inner);
      fill(bytes, (int) (at + size * inner), (int) (at + longer * inner));
    }
    shape[dimension] = runs * longer;
    TensorInfo info = new TensorInfo(tensor.name(), tensor.dtype(), shape, 0, bytes.length);
    return writer.copy(new Tensor(tensor.file(), info, data));
  }

  private byte[] bytes(long outer, long each) {
    if (each > 0 && outer > MOST_BYTES / each) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "factor: expected tensors of at most %,d bytes, found %,d times %,d in %s",
              MOST_BYTES,
              outer,
              each,
              tensor.name()));
    }
    return new byte[(int) (outer * each)];
  }

  private void fill(byte[] bytes, int from, int to) {
    int bits = fill.bits(tensor.dtype());
    for (int i = from, b = 0; i < to && bits != 0; i++, b = (b + 1) % tensor.dtype().bytes()) {
      bytes[i] = (byte) (bits >>> 8 * b);
    }
  }
}
