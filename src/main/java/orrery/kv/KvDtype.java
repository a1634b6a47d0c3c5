package orrery.kv;

import orrery.quantization.RowFormat;

/**
 * How cached rows are stored; SGLang's {@code --kv-cache-dtype}. It makes another model, whose
 * answers are its own: a row is rounded when it is written.
 */
public enum KvDtype {
  F32,
  BF16,
  FP8;

  /**
   * The format of a row.
   *
   * @param block columns that share a scale if rows are FP8
   * @param tail columns at the end of an FP8 row that stay bf16
   */
  public RowFormat format(int block, int tail) {
    return switch (this) {
      case F32 -> RowFormat.F32;
      case BF16 -> RowFormat.BF16;
      case FP8 -> RowFormat.fp8(block, tail);
    };
  }
}
