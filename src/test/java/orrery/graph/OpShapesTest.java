package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import orrery.kernels.AttentionShape;
import orrery.kernels.PackedMatrix;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/** An op with buffers that do not fit is refused when it is launched, before it reads nonsense. */
class OpShapesTest {
  private static final AttentionShape SHAPE = new AttentionShape(4, 2, 6, 5, 16, 1f);

  private final Launcher g =
      new Launcher() {
        @Override
        public void launch(Op op) {
          assertThat(op.line()).isNotBlank();
        }
      };

  private static Buffer buffer(int cols) {
    return new Buffer("b" + cols, Step::rows, 2, cols);
  }

  private static PackedMatrix matrix(int out, int in) {
    return PackedMatrix.of(PackedMatrix.Format.F32, new float[out][in]);
  }

  private static LayerKv kv() {
    KvLayout layout =
        new KvLayout(
            List.of(
                Stream.whole("key", SHAPE.keyWidth()), Stream.whole("value", SHAPE.valueWidth())));
    return LayerKv.of(new KvCache(layout, 16, 32, 2), SHAPE, 0, 1, 0);
  }

  private static void refused(ThrowingCallable launch, String... named) {
    assertThatThrownBy(launch)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(named);
  }

  @Test
  void productsNeedAsManyInputsAndOutputsAsTheMatrixHas() {
    g.matmul(buffer(3), matrix(5, 3), buffer(5));
    refused(() -> g.matmul(buffer(4), matrix(5, 3), buffer(5)), "b5", "f32[5,3]", "b4");
    refused(() -> g.matmul(buffer(3), matrix(5, 3), buffer(6)), "b6", "f32[5,3]");
    g.embed(matrix(9, 3), buffer(3));
    refused(() -> g.embed(matrix(9, 3), buffer(4)), "b4", "f32[9,3]");
  }

  @Test
  void elementwiseOpsNeedBuffersOfOneWidth() {
    g.add(buffer(3), buffer(3));
    refused(() -> g.add(buffer(3), buffer(4)), "b3", "b4");
    g.addBias(buffer(3), new float[3]);
    refused(() -> g.addBias(buffer(3), new float[4]), "b3", "4");
    g.swiglu(buffer(3), buffer(3), buffer(3));
    refused(() -> g.swiglu(buffer(4), buffer(3), buffer(3)), "b4");
    refused(() -> g.swiglu(buffer(3), buffer(4), buffer(3)), "b4");
    g.logitRows(buffer(3), buffer(3));
    refused(() -> g.logitRows(buffer(3), buffer(2)), "b3", "b2");
    g.concat(buffer(3), buffer(4), buffer(7));
    refused(() -> g.concat(buffer(3), buffer(4), buffer(8)), "b3", "b4", "b8");
  }

  @Test
  void aMissingBiasOrHeadNormLaunchesNothing() {
    Launcher none =
        new Launcher() {
          @Override
          public void launch(Op op) {
            throw new AssertionError(op.line());
          }
        };
    none.addBias(buffer(3), null);
    none.headNorm(buffer(6), null, 1e-5f, 2);
  }

  @Test
  void normsNeedOneWeightPerColumnOrPerColumnOfAHead() {
    g.rmsNorm(buffer(6), new float[6], 1e-5f, buffer(6));
    refused(() -> g.rmsNorm(buffer(6), new float[5], 1e-5f, buffer(6)), "b6", "5");
    refused(() -> g.rmsNorm(buffer(6), new float[6], 1e-5f, buffer(7)), "b6", "b7");
    g.headNorm(buffer(6), new float[3], 1e-5f, 2);
    refused(() -> g.headNorm(buffer(6), new float[3], 1e-5f, 3), "b6", "3 x 3");
  }

  @Test
  void rotationNeedsEqualHeadsThatHoldAllPairs() {
    RopeTable three = RopeTable.of(4, 6, 10_000, false); // three pairs
    g.rope(buffer(12), 2, three);
    refused(() -> g.rope(buffer(12), 3, three), "3 heads", "3 pairs", "b12");
    refused(() -> g.rope(buffer(13), 2, three), "2 heads", "b13");
  }

  @Test
  void attentionAndCacheWritesNeedTheWidthsOfTheirHeads() {
    g.writeKv(buffer(12), buffer(10), kv());
    refused(() -> g.writeKv(buffer(11), buffer(10), kv()), "b11");
    refused(() -> g.writeKv(buffer(12), buffer(12), kv()), "b12");
    g.attend(buffer(24), kv(), buffer(20));
    refused(() -> g.attend(buffer(23), kv(), buffer(20)), "b23");
    refused(() -> g.attend(buffer(24), kv(), buffer(24)), "b24");
  }
}
