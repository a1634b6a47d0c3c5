package orrery.checkpoint.quantized;

import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * One way in which a config says that matrices are stored.
 *
 * @param format the codes and the blocks; the files may have other scales in FP8 blocks than this
 *     format's, since their types are those of the tensors
 * @param targets the modules that it is meant for; the files decide where they tell
 */
record Scheme(WeightFormat format, ModuleList targets) {
  /** FP8 with a float32 for each block. */
  static WeightFormat fp8(int blockRows, int blockCols) {
    return new WeightFormat(Codes.E4M3, Scales.F32, blockRows, blockCols);
  }

  /** FP8 with a float32 for each row. */
  static final WeightFormat CHANNEL = fp8(1, WeightFormat.WHOLE);

  /** FP8 with a float32 for the whole matrix. */
  static final WeightFormat TENSOR = fp8(WeightFormat.WHOLE, WeightFormat.WHOLE);

  boolean fp4() {
    return format.codes() == Codes.E2M1;
  }

  /** Whether scales in a tensor of bytes without a type of their own are powers of two. */
  boolean powersInBytes() {
    return format.scales() == Scales.E8M0;
  }
}
