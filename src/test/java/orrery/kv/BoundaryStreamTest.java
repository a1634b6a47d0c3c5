package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.prefix.RadixCache;

/** The stream with one row a page; an MTP layer continues from such a row behind a hit. */
class BoundaryStreamTest {
  private static final int P = 4;
  private static final int WIDTH = 3;
  private static final KvLayout LAYOUT =
      new KvLayout(
          List.of(
              Stream.whole("key", 2),
              Stream.whole("value", 5),
              Stream.boundary("mtp.boundary", WIDTH)));
  private static final int BOUNDARY = 2;

  private static float[] row(KvCache kv, int page) {
    return Arrays.copyOfRange(kv.rows(BOUNDARY).floats(), page * WIDTH, (page + 1) * WIDTH);
  }

  private static void write(KvCache kv, PageTable t, int index, float value) {
    int page = t.pages(0)[index];
    Arrays.fill(kv.rows(BOUNDARY).floats(), page * WIDTH, (page + 1) * WIDTH, value);
  }

  private static int page(PageTable t, int index) {
    return t.pages(0)[index];
  }

  @Test
  void aPageOfAnySizeHasOneRow() {
    for (int p : new int[] {1, 3, 4, 16, 96}) {
      KvCache kv = new KvCache(LAYOUT, p, 96, 5);
      assertThat(kv.rows(BOUNDARY).floats()).hasSize(6 * WIDTH); // with the dummy
      assertThat(kv.rows(0).floats()).hasSize(6 * p * 2);
      assertThat(kv.spanOf(BOUNDARY)).isEqualTo(p);
    }
    assertThat(Stream.boundary("b", 2).rows(1)).isEqualTo(1);
    assertThat(Stream.boundary("b", 2).rows(1_000)).isEqualTo(1);
  }

  @Test
  void aLayoutKnowsItsBoundaryStreamAndWhatAPageTakes() {
    assertThat(LAYOUT.boundary()).isEqualTo(BOUNDARY);
    assertThat(KvCacheTest.PLAIN.boundary()).isEqualTo(-1);
    assertThat(KvCacheTest.MIXED.boundary()).isEqualTo(-1);
    assertThat(LAYOUT.bytesPerPage(P)).isEqualTo(4 * (P * (2 + 5) + WIDTH));
    assertThat(LAYOUT.bytesPerPage(1)).isEqualTo(4 * (2 + 5 + WIDTH));
    assertThat(KvCacheTest.PLAIN.bytesPerPage(16)).isEqualTo(4 * 16 * 8);
    KvLayout compressed = new KvLayout(List.of(new Stream("c", 6, 4, Stream.ALL, Stream.ALL)));
    assertThat(compressed.bytesPerPage(16)).isEqualTo(4 * 4 * 6);
  }

  /**
   * A boundary stream asks for no page size, and its rows live as long as those of whole streams.
   */
  @Test
  void aBoundaryStreamSharesThePoolOfWholeStreamsAndFitsEveryPageSize() {
    assertThat(LAYOUT.pools()).containsExactly(Stream.ALL);
    assertThat(LAYOUT.poolOf(BOUNDARY)).isZero();
    assertThat(new KvGeometry(LAYOUT, 7).span(0)).isEqualTo(7);
    assertThatThrownBy(
            () ->
                new KvGeometry(
                    new KvLayout(List.of(new Stream("c", 1, 4, Stream.ALL, Stream.ALL))), 7))
        .hasMessageContaining("page-size: expected a multiple of the 4 tokens");
  }

  @Test
  void aRowComesAndGoesWithItsPageAndIsNaNWhileThePageIsFree() {
    KvCache kv = new KvCache(LAYOUT, P, 40, 6);
    PageTable t = kv.newTable();
    kv.reserve(t, 12);
    for (int i = 0; i < 3; i++) {
      assertThat(row(kv, page(t, i))).containsOnly(Float.NaN);
      write(kv, t, i, i + 1);
    }
    int third = page(t, 2);
    kv.trim(t, 8);
    assertThat(row(kv, third)).containsOnly(Float.NaN);
    assertThat(row(kv, page(t, 0))).containsOnly(1f);
    assertThat(row(kv, page(t, 1))).containsOnly(2f);
    int first = page(t, 0);
    kv.release(t);
    assertThat(row(kv, first)).containsOnly(Float.NaN);
  }

  @Test
  void aForkSharesTheRowsOfCompletePagesAndWritesTheRowOfItsOwnNextPage() {
    KvCache kv = new KvCache(LAYOUT, P, 40, 6);
    PageTable t = kv.newTable();
    kv.reserve(t, 7);
    write(kv, t, 0, 1);
    PageTable fork = kv.fork(t, 6, 6);
    write(kv, t, 1, 2); // each sequence completes its own second page
    write(kv, fork, 1, 3);
    assertThat(page(fork, 0)).isEqualTo(page(t, 0));
    assertThat(row(kv, page(fork, 0))).containsOnly(1f);
    assertThat(row(kv, page(t, 1))).containsOnly(2f);
    assertThat(row(kv, page(fork, 1))).containsOnly(3f);
    kv.release(t);
    assertThat(row(kv, page(fork, 0))).containsOnly(1f);
    kv.release(fork);
  }

  @Test
  void theRowOfACachedPageIsThereForAHitUntilItIsEvicted() {
    KvCache kv = new KvCache(LAYOUT, P, 40, 6);
    RadixCache cache = new RadixCache(kv, RadixCache.Eviction.LRU);
    int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    PageTable t = kv.newTable();
    var lease = cache.acquire(tokens, 8, "", t).lease();
    kv.reserve(t, 9);
    write(kv, t, 0, 1);
    write(kv, t, 1, 2);
    cache.insert(lease, tokens, 9, t);
    int[] pages = {page(t, 0), page(t, 1)};
    kv.release(t);
    cache.release(lease);
    PageTable later = kv.newTable();
    var hit = cache.acquire(tokens, 8, "", later);
    assertThat(hit.tokens()).isEqualTo(8);
    assertThat(row(kv, page(later, 0))).containsOnly(1f);
    assertThat(row(kv, page(later, 1))).containsOnly(2f);
    kv.release(later);
    cache.release(hit.lease());
    cache.evict(0, 2);
    for (int page : pages) {
      assertThat(row(kv, page)).containsOnly(Float.NaN);
    }
  }
}
