package orrery.checkpoint;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The element types this reader takes, as safetensors names them. All are little-endian. */
public enum DType {
  /** 64-bit signed integers: token ids, index tables. */
  I64(8),
  /** IEEE binary32. */
  F32(4),
  /** 32-bit signed integers: index tables. */
  I32(4),
  /** bfloat16, see {@link orrery.numerics.Bf16}. */
  BF16(2),
  /** IEEE binary16, see {@link orrery.numerics.Fp16}. */
  F16(2),
  /** Powers of two: scales. */
  F8_E8M0(1),
  /** FP8 with 4 exponent bits: codes of weights, and scales of NVFP4. */
  F8_E4M3(1),
  /** FP8 with 5 exponent bits: codes of weights. */
  F8_E5M2(1),
  /** Bytes of which another field tells the meaning: two FP4 codes. */
  I8(1),
  /** As {@link #I8}; also powers of two, as {@link #F8_E8M0}. */
  U8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  static Optional<DType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  /** All names, for messages. */
  static String all() {
    return Arrays.stream(values()).map(DType::name).collect(Collectors.joining(", "));
  }
}
