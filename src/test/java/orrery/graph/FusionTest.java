package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.kernels.PackedMatrix;
import orrery.quantization.WeightFormat;

/** What fusion takes and what it refuses, by hand. */
class FusionTest {
  private static final PackedMatrix W = PackedMatrix.of(WeightFormat.F32, new float[8][8]);

  private final Buffer a = buffer("a");
  private final Buffer b = buffer("b");
  private final Buffer c = buffer("c");
  private final Buffer d = buffer("d");

  private static Buffer buffer(String name) {
    return new Buffer(name, Step::rows, 2, 8);
  }

  private static List<String> fused(Set<Buffer> results, Op... ops) {
    return apply(MatMulAdd.RULE, results, ops).program().ops().stream().map(Op::line).toList();
  }

  private static Fusion.Fused apply(FusionRule rule, Set<Buffer> results, Op... ops) {
    return Fusion.apply(new StepProgram(List.of(ops)), List.of(rule), results);
  }

  @Test
  void aProductWhoseResultIsOnlyAddedIsFusedAndItsBufferIsNamed() {
    Fusion.Fused fused = apply(MatMulAdd.RULE, Set.of(c), new MatMul(a, W, b), new Add(b, c));
    assertThat(fused.program().ops()).containsExactly(new MatMulAdd(a, W, c));
    FusionReport.Applied rule = fused.report().rules().getFirst();
    assertThat(rule.times()).isEqualTo(1);
    assertThat(rule.unnecessary()).containsExactly(b);
    assertThat(rule.bytes()).isEqualTo(2 * 16 * 4); // two rows, padded to 16 floats
    assertThat(fused.report().listing()).contains("product + residual add", "2 ->   1", "b[8]");
  }

  @Test
  void aProductWhoseResultIsReadLaterIsNotFused() {
    Op[] ops = {new MatMul(a, W, b), new Add(b, c), new Add(b, d)};
    assertThat(fused(Set.of(c, d), ops)).hasSize(3);
  }

  @Test
  void aResultThatTheProgramHandsOutIsNotDead() {
    assertThat(fused(Set.of(b, c), new MatMul(a, W, b), new Add(b, c))).hasSize(2);
  }

  @Test
  void aBufferThatIsWrittenAnewBeforeItIsReadIsDead() {
    Op[] ops = {new MatMul(a, W, b), new Add(b, c), new MatMul(c, W, b)};
    assertThat(fused(Set.of(b), ops)).hasSize(2);
  }

  @Test
  void anOpInBetweenThatHasNothingToDoWithThemStaysWhereItIs() {
    Op between = new MatMul(a, W, d);
    Fusion.Fused fused =
        apply(MatMulAdd.RULE, Set.of(c, d), new MatMul(a, W, b), between, new Add(b, c));
    assertThat(fused.program().ops()).containsExactly(between, new MatMulAdd(a, W, c));
  }

  @Test
  void anOpInBetweenThatChangesTheInputForbidsToMoveTheProductBehindIt() {
    // The product cannot move down. So the addition moves up, past an op that it does not touch.
    Op between = new AddBias(a, new float[8]);
    Fusion.Fused fused =
        apply(MatMulAdd.RULE, Set.of(a, c), new MatMul(a, W, b), between, new Add(b, c));
    assertThat(fused.program().ops()).containsExactly(new MatMulAdd(a, W, c), between);
  }

  @Test
  void whereNeitherCanMoveNothingIsFused() {
    Op[] ops = {new MatMul(a, W, b), new AddBias(a, new float[8]), new Add(a, c), new Add(b, c)};
    assertThat(fused(Set.of(c), ops)).hasSize(4);
  }

  /** A product computes the rows of its input, an addition those of its target. */
  @Test
  void aProductAndAnAdditionOfOtherRowsAreNotFused() {
    Buffer last = new Buffer("last", Step::logitRows, 2, 8);
    assertThat(fused(Set.of(last), new MatMul(a, W, b), new Add(b, last))).hasSize(2);
    assertThat(fused(Set.of(b), new MatMul(a, W, b), new Add(b, b))).hasSize(2);
  }

  @Test
  void aNormOfOtherRowsStaysApart() {
    Buffer last = new Buffer("last", Step::logitRows, 2, 8);
    record Takes(InputRows input, Buffer y) implements TakesNorm {
      @Override
      public TakesNorm with(InputRows input) {
        return new Takes(input, y);
      }

      @Override
      public void run(Step step, int share, int shares) {}

      @Override
      public List<Operand> reads() {
        return List.of(input.x());
      }

      @Override
      public List<Operand> writes() {
        return List.of(y);
      }

      @Override
      public long cost(Step step) {
        return 1;
      }

      @Override
      public String line() {
        return y + " = " + input;
      }
    }
    FusionRule rule = new NormRule(2);
    for (Buffer normed : List.of(b, last)) {
      Op norm = new RmsNorm(a, new float[8], 1e-5f, normed, 1);
      Op product = new Takes(InputRows.of(normed), c);
      int ops = apply(rule, Set.of(c), norm, product).program().size();
      assertThat(ops).as("%s", normed).isEqualTo(normed == b ? 1 : 2);
    }
  }

  @Test
  void aRuleWhoseOpWritesSomethingElseIsCaught() {
    FusionRule wrong =
        new FusionRule() {
          @Override
          public String name() {
            return "wrong";
          }

          @Override
          public Match match(Ops ops, int last) {
            return last == 1 ? new Match(new MatMulAdd(a, W, d), 0, 1) : null;
          }
        };
    assertThatThrownBy(() -> apply(wrong, Set.of(c), new MatMul(a, W, b), new Add(b, c)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("wrong: expected operands of the ops that it replaces");
  }
}
