package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.quantization.RowCodec;
import orrery.quantization.RowFormat;

/** A stored row is read as {@link RowCodec} says, in every format. */
class CachedRowsTest {
  private static final int ROWS = 6;

  static Stream<RowFormat> formats() {
    return Stream.of(
        RowFormat.F32,
        RowFormat.BF16,
        RowFormat.fp8(8, 0),
        RowFormat.fp8(64, 3),
        RowFormat.fp8(5, 5));
  }

  private static float[] row(int seed, int width) {
    float[] x = KernelContract.random(seed, width);
    for (int i = 0; i < width; i++) {
      x[i] *= (float) Math.pow(10, (seed * 7 + i / 5) % 9 - 4);
    }
    return x;
  }

  /** What the definition makes of a row. */
  private static float[] stored(RowFormat format, float[] x) {
    RowCodec codec = new RowCodec(format, x.length);
    byte[] bytes = new byte[codec.bytes()];
    codec.encode(x, 0, bytes, 0);
    float[] y = new float[x.length];
    codec.decode(bytes, 0, y, 0);
    return y;
  }

  private static float[] read(CachedRows rows, int row) {
    float[] x = new float[rows.width()];
    rows.read(row, x, 0);
    return x;
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aRowIsReadAsTheCodecSaysAndItsNeighboursStay(RowFormat format) {
    for (int width = 5; width < 40; width++) {
      CachedRows rows = CachedRows.allocate(format, width, ROWS);
      assertThat(rows.rows()).isEqualTo(ROWS);
      assertThat(rows.width()).isEqualTo(width);
      assertThat(rows.format()).isEqualTo(format);
      for (int r : new int[] {3, 0, 5, 1, 4, 2}) {
        float[] shifted = new float[width + 2];
        System.arraycopy(row(r, width), 0, shifted, 2, width);
        rows.write(r, shifted, 2);
      }
      for (int r = 0; r < ROWS; r++) {
        KernelContract.assertSameBits(
            read(rows, r), stored(format, row(r, width)), format + ", width " + width);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aCopiedRunHasTheSameRowsAndTheOthersStay(RowFormat format) {
    CachedRows rows = CachedRows.allocate(format, 21, ROWS);
    for (int r = 0; r < ROWS; r++) {
      rows.write(r, row(r, 21), 0);
    }
    rows.copy(0, 3, 2);
    for (int r = 0; r < ROWS; r++) {
      int of = r == 3 || r == 4 ? r - 3 : r;
      KernelContract.assertSameBits(read(rows, r), stored(format, row(of, 21)), format + " " + r);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aPoisonedRunIsNaNAndTheOthersStay(RowFormat format) {
    CachedRows rows = CachedRows.allocate(format, 21, ROWS);
    for (int r = 0; r < ROWS; r++) {
      rows.write(r, row(r, 21), 0);
    }
    rows.fillNaN(2, 3);
    for (int r = 0; r < ROWS; r++) {
      if (r >= 2 && r < 5) {
        assertThat(read(rows, r)).containsOnly(Float.NaN);
      } else {
        KernelContract.assertSameBits(read(rows, r), stored(format, row(r, 21)), format + " " + r);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aRunThatIsCopiedOutAndInHasEveryBitAndNoByteAroundItChanges(RowFormat format) {
    for (int width = 5; width < 40; width++) {
      CachedRows rows = CachedRows.allocate(format, width, ROWS);
      for (int r = 0; r < ROWS; r++) {
        rows.write(r, row(r, width), 0);
      }
      int bytes = format.bytes(width);
      MemorySegment outside = MemorySegment.ofArray(new byte[3 + 2 * bytes + 4]);
      outside.fill((byte) 0x5A);
      rows.copyOut(1, 2, outside, 3);
      assertThat(outside.asSlice(0, 3).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0x5A);
      assertThat(outside.asSlice(3 + 2 * bytes).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0x5A);
      rows.copyIn(4, 2, outside, 3);
      for (int r = 0; r < ROWS; r++) {
        int of = r >= 4 ? r - 3 : r;
        KernelContract.assertSameBits(
            read(rows, r), stored(format, row(of, width)), format + ", width " + width);
      }
      MemorySegment again = MemorySegment.ofArray(new byte[3 + 2 * bytes + 4]);
      again.fill((byte) 0x5A);
      rows.copyOut(4, 2, again, 3);
      assertThat(again.mismatch(outside)).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void bytesWithoutRoomForTheRowsAreRefused(RowFormat format) {
    CachedRows rows = CachedRows.allocate(format, 21, ROWS);
    MemorySegment small = MemorySegment.ofArray(new byte[2 * format.bytes(21) - 1]);
    assertThatThrownBy(() -> rows.copyOut(0, 2, small, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> rows.copyIn(0, 2, small, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> rows.copyIn(ROWS - 1, 2, MemorySegment.ofArray(new byte[999]), 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void onlyRowsOfFloat32AreAnArrayOfFloats() {
    assertThat(CachedRows.allocate(RowFormat.F32, 3, 2).floats()).hasSize(6);
    for (RowFormat format : new RowFormat[] {RowFormat.BF16, RowFormat.fp8(3, 0)}) {
      assertThatThrownBy(() -> CachedRows.allocate(format, 3, 2).floats())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("expected cached rows of float32")
          .hasMessageContaining(format.codes().toString());
    }
  }

  @Test
  void aRowWithANaNIsNaNWhereverItHasAScaleInCommon() {
    float[] x = row(1, 12);
    x[5] = Float.NaN;
    CachedRows rows = CachedRows.allocate(RowFormat.fp8(4, 2), 12, 1);
    rows.write(0, x, 0);
    float[] y = read(rows, 0);
    assertThat(Arrays.copyOfRange(y, 4, 8)).containsOnly(Float.NaN);
    assertThat(Arrays.copyOfRange(y, 0, 4)).doesNotContain(Float.NaN);
    assertThat(Arrays.copyOfRange(y, 8, 12)).doesNotContain(Float.NaN);
  }
}
