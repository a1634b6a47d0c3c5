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
  F16(2);

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
