package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import orrery.kernels.PackedMatrix;
import orrery.quantization.ActivationRounding;
import orrery.quantization.WeightFormat;

/** An op with buffers that do not fit is refused when it is launched, before it reads nonsense. */
class OpShapesTest {
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
    return PackedMatrix.of(WeightFormat.F32, new float[out][in]);
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
  void productsOfGroupsNeedMatricesOfOneShapeForAllColumns() {
    PackedMatrix[] groups = {matrix(5, 3), matrix(5, 3)};
    g.matmul(buffer(6), groups, buffer(10));
    refused(() -> g.matmul(buffer(6), groups, buffer(11)), "b11", "f32[5,3]");
    PackedMatrix[] unequal = {matrix(5, 3), matrix(4, 3)};
    refused(() -> g.matmul(buffer(6), unequal, buffer(10)), "f32[5,3]", "f32[4,3]");
  }

  @Test
  void elementwiseOpsNeedBuffersOfOneWidth() {
    g.add(buffer(3), buffer(3));
    refused(() -> g.add(buffer(3), buffer(4)), "b3", "b4");
    g.addBias(buffer(3), new float[3]);
    refused(() -> g.addBias(buffer(3), new float[4]), "b3", "4");
    g.swiglu(buffer(3), buffer(3), 0, buffer(3));
    refused(() -> g.swiglu(buffer(4), buffer(3), 0, buffer(3)), "b4");
    refused(() -> g.swiglu(buffer(3), buffer(4), 0, buffer(3)), "b4");
    g.logitRows(buffer(3), buffer(3));
    refused(() -> g.logitRows(buffer(3), buffer(2)), "b3", "b2");
    g.concat(buffer(3), buffer(4), buffer(7));
    refused(() -> g.concat(buffer(3), buffer(4), buffer(8)), "b3", "b4", "b8");
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
  void roundingNeedsTwoBuffersOfOneWidthAndWholeGroups() {
    ActivationRounding rounding = new ActivationRounding(32, true);
    g.launch(new RoundActivations(buffer(6), rounding, 3, buffer(6)));
    refused(() -> new RoundActivations(buffer(6), rounding, 6, buffer(5)), "b6", "b5");
    refused(() -> new RoundActivations(buffer(6), rounding, 4, buffer(6)), "b6", "4 columns");
  }
}
