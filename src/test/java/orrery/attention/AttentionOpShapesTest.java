package orrery.attention;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kernels.AttentionShape;
import orrery.kernels.F32Rows;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/** An op of attention with buffers that do not fit is refused when it is made. */
class AttentionOpShapesTest {
  private static final AttentionShape SHAPE = new AttentionShape(4, 2, 6, 5, 16, 1f);

  private static Buffer buffer(int cols) {
    return new Buffer("b" + cols, Step::rows, 2, cols);
  }

  private static LayerKv kv() {
    KvLayout layout =
        new KvLayout(
            List.of(
                Stream.whole("key", SHAPE.keyWidth()), Stream.whole("value", SHAPE.valueWidth())));
    return LayerKv.of(new KvCache(layout, 16, 32, 2), SHAPE, 0, 1, 0);
  }

  private static void refused(ThrowingCallable make, String... named) {
    assertThatThrownBy(make)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(named);
  }

  @Test
  void rotationNeedsEqualHeadsThatHoldAllPairs() {
    RopeTable three = RopeTable.of(4, 6, 10_000, false); // three pairs
    new Rope(buffer(12), 2, three);
    refused(() -> new Rope(buffer(12), 3, three), "3 heads", "3 pairs", "b12");
    refused(() -> new Rope(buffer(13), 2, three), "2 heads", "b13");
  }

  @Test
  void attentionAndCacheWritesNeedTheWidthsOfTheirHeads() {
    new WriteKv(buffer(12), buffer(10), kv());
    refused(() -> new WriteKv(buffer(11), buffer(10), kv()), "b11");
    refused(() -> new WriteKv(buffer(12), buffer(12), kv()), "b12");
    new Attend(buffer(24), kv(), buffer(20));
    refused(() -> new Attend(buffer(23), kv(), buffer(20)), "b23");
    refused(() -> new Attend(buffer(24), kv(), buffer(24)), "b24");
  }

  @Test
  void keysAndValuesOfTwoPoolsAreRefused() {
    StreamRows keys = new StreamRows("key", 0, new F32Rows(12, new float[0]), 0, 16, 1);
    StreamRows values = new StreamRows("value", 1, new F32Rows(10, new float[0]), 1, 16, 1);
    refused(() -> new LayerKv(SHAPE, keys, values, 0), "key", "value", "one pool");
  }
}
