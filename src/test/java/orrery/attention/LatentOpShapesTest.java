package orrery.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import orrery.graph.Buffer;
import orrery.graph.IntBuffer;
import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kernels.F32Rows;
import orrery.kernels.PackedMatrix;
import orrery.quantization.WeightFormat;

/** An op or a layer of latent attention with parts that do not fit is refused when it is made. */
class LatentOpShapesTest {
  private final RopeTable pair = RopeTable.of(4, 2, 100, true);

  private static Buffer buffer(int cols) {
    return new Buffer("b" + cols, Step::rows, 2, cols);
  }

  private static PackedMatrix matrix(int out, int in) {
    return PackedMatrix.of(WeightFormat.F32, new float[out][in]);
  }

  private static StreamRows rows(String name, int tokensPerRow, int width) {
    return new StreamRows(name, 0, new F32Rows(width, new float[4 * width]), 0, 4, tokensPerRow);
  }

  private static Compressor compressor(int width) {
    return new Compressor(
        4, 6, true, matrix(width, 3), matrix(12, 3), new float[48], new float[6], 1e-6f);
  }

  private static void refused(ThrowingCallable make, String... named) {
    assertThatThrownBy(make)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(named);
  }

  @Test
  void headsNeedEqualColumnsThatHoldAllPairs() {
    new RopeTail(buffer(12), 3, pair);
    refused(() -> new RopeTail(buffer(13), 3, pair), "3 heads", "b13");
    refused(() -> new RopeTail(buffer(3), 3, pair), "1 pairs", "3 heads", "b3");
    refused(() -> new UnitNorm(buffer(13), 1e-6f, 3), "3 heads", "b13");
  }

  @Test
  void aProgramTellsWhichRotationsGoBack() {
    assertThat(new RopeTail(buffer(12), 3, pair).line()).contains("rope 3 heads, last 1 pairs");
    assertThat(new RopeTail(buffer(12), 3, pair.conjugate()).line()).contains("rope back 3 heads");
    assertThat(pair.conjugate().conjugate()).usingRecursiveComparison().isEqualTo(pair);
  }

  @Test
  void cachedRowsNeedTheWidthsOfWhatIsWritten() {
    new WriteRow(buffer(6), rows("raw", 1, 6));
    refused(() -> new WriteRow(buffer(5), rows("raw", 1, 6)), "raw", "6", "b5");
    refused(() -> new WriteRow(buffer(6), rows("raw", 2, 6)), "2 tokens a row");
    Compressor c = compressor(12);
    new WriteState(buffer(12), buffer(12), c, rows("state", 1, 24));
    refused(() -> new WriteState(buffer(12), buffer(6), c, rows("state", 1, 24)), "state", "b6");
    refused(() -> new WriteState(buffer(12), buffer(12), c, rows("state", 1, 12)), "12", "b12");
    new Compress(rows("state", 1, 24), c, pair, rows("entry", 4, 6));
    refused(
        () -> new Compress(rows("state", 1, 24), c, pair, rows("entry", 2, 6)),
        "entry of width 6, 2 tokens an entry",
        "compressor of 4 tokens");
    refused(() -> new Compress(rows("state", 1, 12), c, pair, rows("entry", 4, 6)), "state");
    refused(() -> compressor(6), "4 tokens to 6 columns, with overlap", "f32[6,3]", "f32[12,3]");
  }

  @Test
  void selectionAndAttentionNeedTheWidthsOfTheirHeads() {
    IntBuffer selected = new IntBuffer("selected", Step::rows, 2, 3);
    new SelectEntries(buffer(10), buffer(2), rows("key", 4, 5), selected);
    refused(
        () -> new SelectEntries(buffer(10), buffer(3), rows("key", 4, 5), selected), "b10", "b3");
    LatentKv window = LatentKv.ofWindow(rows("raw", 1, 6), 4, 0);
    new AttendLatent(buffer(12), window, null, null, new float[2], buffer(12));
    refused(
        () -> new AttendLatent(buffer(12), window, null, null, new float[3], buffer(12)),
        "3 heads",
        "b12");
    refused(
        () -> new AttendLatent(buffer(12), window, selected, null, new float[2], buffer(12)),
        "raw");
  }

  @Test
  void aLayersRowsComeTogetherOrNotAtAll() {
    StreamRows raw = rows("raw", 1, 6);
    StreamRows state = rows("state", 1, 24);
    StreamRows entry = rows("entry", 4, 6);
    StreamRows key = rows("key", 4, 6);
    new LatentKv(raw, state, entry, state, key, 4, 0);
    refused(() -> new LatentKv(raw, state, null, null, null, 4, 0), "compressed", "state");
    refused(() -> new LatentKv(raw, state, entry, null, key, 4, 0), "index state", "key");
    refused(() -> new LatentKv(raw, null, null, state, key, 4, 0), "compressed rows beside key");
    refused(() -> LatentKv.ofWindow(raw, 0, 0), "raw", "window >= 1", "0");
  }

  @Test
  void layersOfOneSpaceAreAlike() {
    LatentAttention one = LatentCase.all().get(2).layer(1);
    LatentAttention other = LatentCase.all().get(3).layer(1);
    new LatentAttention.Space(List.of(one, one), Step::rows, 2);
    refused(
        () -> new LatentAttention.Space(List.of(one, other), Step::rows, 2),
        "layers in one space",
        one.wqB().toString(),
        other.wqB().toString());
  }

  /** The buffers are counted before they are made. */
  @Test
  void aSpaceTakesTheBytesThatAreToldBefore() {
    for (LatentCase made : LatentCase.all()) {
      List<LatentAttention> layers = List.of(made.layer(1), made.layer(2));
      LatentAttention.Space s = new LatentAttention.Space(layers, Step::rows, 3);
      long floats = s.queryRank.data.length + s.q.data.length + s.kv.data.length;
      floats += s.mixed.data.length + s.groups.data.length;
      for (Compressor.Space c : s.compressors) {
        floats += c.a.data.length + c.gate.data.length;
      }
      if (s.indexer != null) {
        floats += s.indexer.q.data.length + s.indexer.weights.data.length;
        floats += s.indexer.selected.data.length;
        floats += s.indexer.keys.a.data.length + s.indexer.keys.gate.data.length;
      }
      assertThat(4 * floats).isEqualTo(3 * LatentAttention.Space.bytes(layers));
    }
  }
}
