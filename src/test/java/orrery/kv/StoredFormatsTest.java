package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.kernels.Bf16Rows;
import orrery.kernels.CachedRows;
import orrery.kernels.F32Rows;
import orrery.kernels.Fp8Rows;
import orrery.quantization.RowFormat;

/** Pages are poisoned, copied and counted alike, however their rows are stored. */
class StoredFormatsTest {
  private static final int P = 4;

  /** Rows of every kind: all and windows, of one token and of several, with a tail and without. */
  private static KvLayout layout(KvDtype dtype) {
    return new KvLayout(
        List.of(
            Stream.whole("key", 6, dtype.format(3, 0)),
            new Stream("raw", 11, 1, 8, 7, dtype.format(4, 3)),
            new Stream("state", 5, 1, 8, 4),
            new Stream("entries", 7, 2, Stream.ALL, Stream.ALL, dtype.format(7, 0)),
            Stream.boundary("boundary", 3)));
  }

  private static int rowsOfPage(KvCache kv, int stream) {
    return kv.layout().streams().get(stream).rows(kv.spanOf(stream));
  }

  /** The floats that the rows of a page stand for. */
  private static float[] page(KvCache kv, int stream, int page) {
    CachedRows rows = kv.rows(stream);
    int n = rowsOfPage(kv, stream);
    float[] all = new float[n * rows.width()]; // [rows of the page][width]
    for (int r = 0; r < n; r++) {
      rows.read(page * n + r, all, r * rows.width());
    }
    return all;
  }

  private static void fill(KvCache kv) {
    for (int s = 0; s < kv.layout().streams().size(); s++) {
      CachedRows rows = kv.rows(s);
      float[] row = new float[rows.width()];
      for (int r = 0; r < rows.rows(); r++) {
        for (int i = 0; i < row.length; i++) {
          row[i] = (float) Math.sin(1 + s + 17 * r + 3 * i);
        }
        rows.write(r, row, 0);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void freshAndReleasedPagesAreNaN(KvDtype dtype) {
    KvCache kv = new KvCache(layout(dtype), P, 16, 3);
    for (int s = 0; s < 5; s++) {
      for (int page = 0; page < 4; page++) {
        assertThat(page(kv, s, page)).as("fresh, stream %d", s).containsOnly(Float.NaN);
      }
    }
    PageTable t = kv.newTable();
    kv.reserve(t, 6);
    PageTable kept = kv.newTable();
    kv.reserve(kept, 2);
    fill(kv);
    int[][] freed = {held(t, 0), held(t, 1)};
    kv.release(t);
    for (int s = 0; s < 5; s++) {
      int pool = kv.layout().poolOf(s);
      for (int page : freed[pool]) {
        assertThat(page(kv, s, page)).as("released, stream %d", s).containsOnly(Float.NaN);
      }
      assertThat(page(kv, s, kept.pages(pool)[0])).doesNotContain(Float.NaN);
    }
  }

  private static int[] held(PageTable t, int pool) {
    return Arrays.copyOfRange(t.pages(pool), t.first(pool), t.end(pool));
  }

  @ParameterizedTest
  @EnumSource
  void aForkCopiesThePartialPageToTheBitAndNoOther(KvDtype dtype) {
    KvCache kv = new KvCache(layout(dtype), P, 16, 4);
    PageTable from = kv.newTable();
    kv.reserve(from, 6);
    fill(kv);
    float[][] before = new float[5][];
    for (int s = 0; s < 5; s++) {
      before[s] = page(kv, s, from.pages(kv.layout().poolOf(s))[1]);
    }
    PageTable fork = kv.fork(from, 6, 6);
    for (int s = 0; s < 5; s++) {
      int pool = kv.layout().poolOf(s);
      assertThat(fork.pages(pool)[0]).isEqualTo(from.pages(pool)[0]);
      assertThat(fork.pages(pool)[1]).isNotEqualTo(from.pages(pool)[1]);
      assertThat(page(kv, s, fork.pages(pool)[1])).as("stream %d", s).isEqualTo(before[s]);
      assertThat(page(kv, s, from.pages(pool)[1])).isEqualTo(before[s]);
    }
    kv.release(from);
    for (int s = 0; s < 5; s++) {
      assertThat(page(kv, s, fork.pages(kv.layout().poolOf(s))[1])).isEqualTo(before[s]);
    }
  }

  @ParameterizedTest
  @EnumSource
  void countedBytesAreThoseOfTheMemory(KvDtype dtype) {
    KvLayout layout = layout(dtype);
    KvCache kv = new KvCache(layout, P, 16, 3);
    long all = 0;
    for (int s = 0; s < 5; s++) {
      all += bytes(kv.rows(s));
      Stream stream = layout.streams().get(s);
      assertThat(bytes(kv.rows(s))).isEqualTo(4 * stream.bytes(P));
    }
    assertThat(all).isEqualTo(4 * layout.bytesPerPage(P)); // the dummy among them
    long kinds = StreamKind.of(layout).stream().mapToLong(k -> k.bytes(4 * P, P)).sum();
    assertThat(kinds).isEqualTo(all);
  }

  private static long bytes(CachedRows rows) {
    return switch (rows) {
      case F32Rows r -> 4L * r.data().length;
      case Bf16Rows r -> 2L * r.data().length;
      case Fp8Rows r -> r.codes().length + (long) r.rows() * r.blocks() + 2L * r.tails().length;
    };
  }

  @Test
  void whatLaterRowsAreMadeOfStaysFloat32() {
    for (KvDtype dtype : KvDtype.values()) {
      assertThat(layout(dtype).streams().get(2).format()).isEqualTo(RowFormat.F32);
      assertThat(layout(dtype).streams().get(4).format()).isEqualTo(RowFormat.F32);
    }
    assertThat(KvDtype.FP8.format(64, 16).bytes(128)).isEqualTo(112 + 2 + 32);
    assertThat(KvDtype.BF16.format(64, 16).bytes(128)).isEqualTo(256);
    assertThat(KvDtype.F32.format(64, 16).bytes(128)).isEqualTo(512);
  }

  @Test
  void streamsOfOneKindButOfTwoFormatsAreTwoKinds() {
    KvLayout two =
        new KvLayout(
            List.of(
                Stream.whole("layers.0.key", 4),
                Stream.whole("layers.1.key", 4, RowFormat.BF16),
                Stream.whole("layers.2.key", 4)));
    assertThat(StreamKind.of(two)).extracting(StreamKind::streams).containsExactly(2, 1);
  }
}
