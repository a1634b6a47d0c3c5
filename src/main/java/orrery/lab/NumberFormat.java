package orrery.lab;

import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import orrery.numerics.Bf16;
import orrery.numerics.E8m0;
import orrery.numerics.Fp16;
import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;
import orrery.numerics.Fp8E5M2;

/**
 * A number of few bits, described by what its codes decode to.
 *
 * @param name as people say it
 * @param fields bits of sign, exponent and mantissa
 * @param positive finite values above 0 in increasing order
 * @param infinities codes that stand for an infinity
 * @param nans codes that stand for no number
 */
record NumberFormat(
    String name, int bits, String fields, double[] positive, int infinities, int nans) {
  private interface Decoder {
    float decode(int code);
  }

  /** All of 16 bits and less, the widest first. */
  static List<NumberFormat> all() {
    return List.of(
        of("bf16", 16, "1-8-7", code -> Bf16.decode((short) code)),
        of("f16", 16, "1-5-10", code -> Fp16.decode((short) code)),
        of("FP8 E5M2", 8, "1-5-2", Fp8E5M2::decode),
        of("FP8 E4M3", 8, "1-4-3", Fp8E4M3::decode),
        of("FP4 E2M1", 4, "1-2-1", Fp4E2M1::decode),
        of("E8M0", 8, "0-8-0", E8m0::decode));
  }

  private static NumberFormat of(String name, int bits, String fields, Decoder decoder) {
    double[] values = IntStream.range(0, 1 << bits).mapToDouble(decoder::decode).toArray();
    return new NumberFormat(
        name,
        bits,
        fields,
        DoubleStream.of(values).filter(v -> v > 0 && Double.isFinite(v)).sorted().toArray(),
        (int) DoubleStream.of(values).filter(Double::isInfinite).count(),
        (int) DoubleStream.of(values).filter(Double::isNaN).count());
  }

  /** Whether it has a sign, and a zero; E8M0 has neither. */
  boolean signed() {
    return fields.startsWith("1");
  }

  double least() {
    return positive[0];
  }

  double largest() {
    return positive[positive.length - 1];
  }

  /** Values from 1 up to, but without, 2: how fine the format is at every size. */
  long inOneOctave() {
    return DoubleStream.of(positive).filter(v -> v >= 1 && v < 2).count();
  }

  /** The least value from which on every octave has as many values; those below are subnormal. */
  double leastNormal() {
    long octave = inOneOctave();
    for (double v : positive) {
      boolean power = Math.scalb(1.0, Math.getExponent(v)) == v;
      if (power && DoubleStream.of(positive).filter(w -> w >= v && w < 2 * v).count() == octave) {
        return v;
      }
    }
    return largest();
  }
}
