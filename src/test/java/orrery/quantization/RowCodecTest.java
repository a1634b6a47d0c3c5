package orrery.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.numerics.Bf16;
import orrery.numerics.E8m0;

class RowCodecTest {
  private static final List<RowCodec> CODECS =
      List.of(
          new RowCodec(RowFormat.F32, 37),
          new RowCodec(RowFormat.BF16, 37),
          new RowCodec(RowFormat.fp8(32, 0), 32),
          new RowCodec(RowFormat.fp8(64, 8), 136), // V4's latent row, small: 64 + 64 columns, 8
          new RowCodec(RowFormat.fp8(64, 16), 112), // 64 + 32 columns, 16
          new RowCodec(RowFormat.fp8(64, 5), 5)); // nothing but the tail

  private static float[] readBack(RowCodec codec, float[] x) {
    byte[] row = new byte[codec.bytes() + 2]; // one byte before the row, one behind it
    row[0] = 77;
    row[row.length - 1] = 78;
    codec.encode(x, 0, row, 1);
    assertThat(row[0]).isEqualTo((byte) 77);
    assertThat(row[row.length - 1]).isEqualTo((byte) 78);
    float[] y = new float[codec.width()];
    codec.decode(row, 1, y, 0);
    return y;
  }

  private static float[] row(Random random, int n) {
    float[] x = new float[n]; // [n]
    for (int i = 0; i < n; i++) {
      x[i] = (float) (random.nextGaussian() * Math.exp(2 * random.nextGaussian()));
    }
    return x;
  }

  @Test
  void bytesOfARowAreItsCodesItsScalesAndItsTail() {
    assertThat(new RowCodec(RowFormat.F32, 64).bytes()).isEqualTo(256);
    assertThat(new RowCodec(RowFormat.BF16, 64).bytes()).isEqualTo(128);
    assertThat(new RowCodec(RowFormat.fp8(64, 0), 64).bytes()).isEqualTo(65);
    // DeepSeek-V4's latent row: 448 codes, 7 scales, 64 columns of bf16.
    assertThat(new RowCodec(RowFormat.fp8(64, 64), 512).bytes()).isEqualTo(448 + 7 + 128);
  }

  @Test
  void f32RowsComeBackToTheBitAndBf16RowsRounded() {
    float[] x = row(new Random(1), 37);
    x[3] = -0f;
    x[4] = Float.POSITIVE_INFINITY;
    assertThat(readBack(CODECS.get(0), x)).containsExactly(x);
    float[] y = readBack(CODECS.get(1), x);
    for (int i = 0; i < x.length; i++) {
      assertThat(y[i]).isEqualTo(Bf16.decode(Bf16.encode(x[i])));
    }
  }

  @Test
  void whatWasReadBackIsWrittenToTheSameFloatsAgain() {
    Random random = new Random(2);
    for (RowCodec codec : CODECS) {
      for (int trial = 0; trial < 100; trial++) {
        float[] once = readBack(codec, row(random, codec.width()));
        assertThat(readBack(codec, once)).as("%s", codec).containsExactly(once);
      }
    }
  }

  @Test
  void anFp8RowIsWhatRoundingItInPowersOfTwoGivesAndItsTailIsBf16() {
    Random random = new Random(3);
    for (RowCodec codec : CODECS.subList(2, CODECS.size())) {
      float[] x = row(random, codec.width());
      int tail = codec.format().tail();
      float[] expected = new float[x.length];
      new ActivationRounding(codec.format().block(), true)
          .round(x, 0, x.length - tail, expected, 0);
      for (int i = x.length - tail; i < x.length; i++) {
        expected[i] = Bf16.decode(Bf16.encode(x[i]));
      }
      assertThat(readBack(codec, x)).as("%s", codec).containsExactly(expected);
    }
  }

  @Test
  void theBytesOfAnFp8RowStandInTheOrderCodesScalesTail() {
    RowCodec codec = new RowCodec(RowFormat.fp8(2, 1), 4);
    byte[] row = new byte[codec.bytes()]; // 3 codes, 2 scales, 2 bytes
    codec.encode(new float[] {448, -1, 896, 1}, 0, row, 0);
    assertThat(row).containsExactly(0x7E, 0xB8, 0x7E, 127, 128, 0x80, 0x3F);
  }

  @Test
  void zeroRowsKeepTheirSignsAndTheLeastScale() {
    RowCodec codec = new RowCodec(RowFormat.fp8(4, 0), 4);
    byte[] row = new byte[codec.bytes()];
    codec.encode(new float[] {0, -0f, 0, -0f}, 0, row, 0);
    assertThat(row).containsExactly(0, 0x80, 0, 0x80, 127 - 22); // 1e-4 / 448 = 1.87 · 2^-23
    assertThat(E8m0.decode(127 - 22)).isGreaterThan(1e-4f / 448);
  }

  @Test
  void aBlockWithANanOrAnInfinityIsNanAsAWholeAndItsNeighbourIsNot() {
    RowCodec codec = new RowCodec(RowFormat.fp8(2, 1), 5);
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      float[] y = readBack(codec, new float[] {1, bad, 1, 2, bad});
      assertThat(Arrays.copyOf(y, 2)).containsOnly(Float.NaN);
      assertThat(Arrays.copyOfRange(y, 2, 4)).containsExactly(1, 2);
      assertThat(Float.floatToIntBits(y[4])).isEqualTo(Float.floatToIntBits(bad));
    }
  }

  @Test
  void theLargestNumberOfABlockDoesNotSaturate() {
    RowCodec codec = new RowCodec(RowFormat.fp8(2, 0), 2);
    assertThat(readBack(codec, new float[] {800, 1})[0]).isEqualTo(768); // 12 · 32 · 2
  }

  @Test
  void aScaleFillsItsBlockAlone() {
    RowCodec codec = new RowCodec(RowFormat.fp8(4, 0), 8);
    float[] y = readBack(codec, new float[] {1e6f, 0.1f, 0, 0, 0.1f, 0, 0, 0});
    assertThat(y[1]).isZero();
    assertThat(y[4]).isCloseTo(0.1f, org.assertj.core.data.Offset.offset(0.1f / 16));
  }

  @Test
  void formatsThatStoreNoRowAreRefused() {
    assertThatThrownBy(() -> new RowCodec(RowFormat.fp8(64, 64), 32))
        .hasMessage(
            "cached row: expected at least 1 and at least the 64 floats of its tail, found 32");
    assertThatThrownBy(() -> new RowFormat(Codes.E5M2, 64, 0))
        .hasMessage("cached rows of E5M2, block 64, tail 0");
    assertThatThrownBy(() -> new RowFormat(Codes.BF16, 0, 8))
        .hasMessage("cached rows of BF16, block 0, tail 8");
    assertThatThrownBy(() -> RowFormat.fp8(0, 0))
        .hasMessage("cached rows of E4M3, block 0, tail 0");
  }
}
