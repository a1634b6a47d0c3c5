package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.kv.KvDtype;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;

/** Where rows lie in a part. */
class PartLayoutTest {
  static Stream<KvLayout> layouts() {
    return Stream.of(TinyModels.specks(), TinyModels.v4Specks())
        .flatMap(List::stream)
        .flatMap(m -> Stream.of(KvDtype.values()).map(dtype -> Kept.of(m, dtype)));
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void theRowsOfAllStreamsFillAPartWithoutAGapAndWithoutAnOverlap(KvLayout layout) {
    for (int pageTokens : new int[] {layout.wholeRows(1), layout.wholeRows(16)}) {
      KvGeometry geometry = new KvGeometry(layout, pageTokens);
      PartLayout parts = new PartLayout(layout, geometry);
      long perBlock = 0;
      for (int pool = 0; pool < parts.pools(); pool++) {
        BitSet used = new BitSet();
        for (int page = 0; page < parts.pages(pool); page++) {
          for (int stream : parts.streams(pool)) {
            int from = parts.offset(pool, page, stream);
            int to = from + parts.streamBytes(stream);
            assertThat(used.get(from, to).isEmpty()).as("no overlap").isTrue();
            used.set(from, to);
          }
        }
        assertThat(used.cardinality()).isEqualTo(used.length()).isEqualTo(parts.bytes(pool));
        assertThat(parts.first(pool) + parts.pages(pool)).isEqualTo(geometry.perBlock(pool));
        perBlock += parts.first(pool) == 0 ? parts.bytes(pool) : 0;
      }
      assertThat(perBlock).isLessThanOrEqualTo(layout.bytesPerPage(pageTokens));
    }
  }

  @Test
  void aPartOfAWindowHasOnlyThePagesThatAHitAtTheEndOfABlockCanNeed() {
    KvLayout layout =
        new KvLayout(
            List.of(
                orrery.kv.Stream.whole("key", 4),
                new orrery.kv.Stream("window", 4, 1, 9, 8),
                new orrery.kv.Stream("heavy", 4, 1, 4, 0)));
    PartLayout parts = new PartLayout(layout, new KvGeometry(layout, 32));
    assertThat(parts.pools()).isEqualTo(3);
    assertThat(parts.pages(0)).as("all rows").isEqualTo(1);
    assertThat(parts.first(1)).as("pages of 8 slots, of which the last one is needed").isEqualTo(3);
    assertThat(parts.pages(1)).isEqualTo(1);
    assertThat(parts.pages(2)).as("rows that no hit needs").isZero();
    assertThat(parts.bytes(2)).isZero();
    assertThat(parts.streams(1)).containsExactly(1);
    assertThat(parts.bytes(0)).isEqualTo(32 * 4 * Float.BYTES);
    assertThat(parts.bytes(1)).isEqualTo(8 * 4 * Float.BYTES);
  }
}
