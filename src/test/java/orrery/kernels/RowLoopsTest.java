package orrery.kernels;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.RowFormat;

/** Decoding with vectors gives what {@link CachedRows#read} gives, for every code. */
@Tag("kernels")
class RowLoopsTest {
  private static void requireDecoded(CachedRows rows, String what) {
    int width = rows.width();
    int[] list = new Random(3).ints(rows.rows(), 0, rows.rows()).toArray();
    list[0] = rows.rows() - 1; // the last codes of the array
    float[] found = new float[list.length * width + 5];
    float[] expected = new float[found.length];
    for (int i = 1; i < list.length; i++) {
      rows.read(list[i], expected, 3 + (i - 1) * width);
    }
    RowLoops.read(rows, list, 1, list.length, found, 3);
    KernelContract.assertSameBits(found, expected, what);
    rows.read(list[0], expected, 0);
    RowLoops.read(rows, list, 0, 1, found, 0);
    KernelContract.assertSameBits(found, expected, what + ", the last row");
  }

  /** NaN is in the scale; a code of NaN beside another scale is never written. */
  @Test
  void everyCodeIsDecodedWithEveryScale() {
    Fp8Rows rows = (Fp8Rows) CachedRows.allocate(RowFormat.fp8(256, 0), 256, 256);
    for (int i = 0; i < rows.codes().length; i++) {
      int code = i + i / 256 & 0xFF;
      rows.codes()[i] = (byte) ((code & Fp8E4M3.NAN) == Fp8E4M3.NAN ? 0 : code);
    }
    for (int row = 0; row < 256; row++) {
      rows.scales()[row] = (byte) row;
    }
    requireDecoded(rows, "all codes");
  }

  @Test
  void everyBf16NumberIsDecoded() {
    Bf16Rows rows = new Bf16Rows(256, new short[1 << 16]);
    for (int i = 0; i < rows.data().length; i++) {
      rows.data()[i] = (short) i;
    }
    requireDecoded(rows, "all bf16 numbers");
  }

  @Test
  void rowsOfAnyWidthBlockAndTailAreDecoded() {
    for (int width = 1; width < 70; width++) {
      int third = width / 3;
      for (RowFormat format :
          List.of(
              RowFormat.F32,
              RowFormat.BF16,
              RowFormat.fp8(16, 0),
              RowFormat.fp8(64, third),
              RowFormat.fp8(7, 2 * third),
              RowFormat.fp8(1, width))) {
        CachedRows rows = CachedRows.allocate(format, width, 9);
        for (int row = 0; row < 9; row++) {
          rows.write(row, KernelContract.random(100 * width + row, width), 0);
        }
        requireDecoded(rows, format + ", width " + width);
      }
    }
  }
}
