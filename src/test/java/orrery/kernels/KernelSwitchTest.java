package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import orrery.quantization.WeightFormat;

/** Which kernels compute the first step, and how a large model's loops are compiled before it. */
class KernelSwitchTest {
  private static final CompletableFuture<Boolean> NONE = Rehearsal.none();

  private final List<String> used = new ArrayList<>();

  private String first(long weights, int rows, CompletableFuture<Boolean> rehearsal) {
    used.clear();
    new KernelSwitch(KernelSet.AUTO, weights, rehearsal).next(rows, k -> used.add(k.name()));
    return String.join(" ", used);
  }

  @Test
  void aSmallFirstStepIsScalarAndSmallMeansRowsTimesWeights() {
    assertThat(first(1_600_000, 256, NONE)).isEqualTo("scalar");
    assertThat(first(1_600_000, 512, NONE)).startsWith("vector");
    assertThat(first(100_000_000, 8, NONE)).isEqualTo("scalar");
    assertThat(first(100_000_000, 64, NONE)).startsWith("vector");
  }

  @Test
  void aSmallFirstStepGoesOverToVectorsAsSoonAsTheyAreReady() {
    CompletableFuture<Boolean> rehearsal = new CompletableFuture<>();
    assertThat(first(100_000_000, 8, rehearsal)).isEqualTo("scalar");
    rehearsal.complete(true);
    assertThat(used).hasSize(2).last().asString().startsWith("vector");
    assertThat(first(100_000_000, 1, rehearsal)).startsWith("vector");
  }

  @Test
  void aSmallFirstStepStaysInScalarLoopsIfTheRehearsalGivesUp() {
    CompletableFuture<Boolean> rehearsal = new CompletableFuture<>();
    assertThat(first(1_600_000, 256, rehearsal)).isEqualTo("scalar");
    rehearsal.complete(false);
    assertThat(used).containsExactly("scalar");
  }

  /** Scalar loops would take the processors from the compiler, and from the rehearsal. */
  @Test
  void aLargeFirstStepIsInVectorsEvenIfTheRehearsalGoesOn() {
    CompletableFuture<Boolean> rehearsal = new CompletableFuture<>();
    assertThat(first(100_000_000, 64, rehearsal)).startsWith("vector");
    rehearsal.complete(true);
    assertThat(used).hasSize(1);
  }

  @Test
  void theSecondStepIsInVectors() {
    KernelSwitch kernels = new KernelSwitch(KernelSet.AUTO, 1, NONE);
    kernels.next(1, k -> {});
    kernels.next(1, k -> used.add(k.name()));
    assertThat(used).hasSize(1).last().asString().startsWith("vector");
  }

  @Test
  void aRehearsalEndsWhenTheLoopsAreCompiled() throws Exception {
    assertThat(Rehearsal.of(Set.of(WeightFormat.BF16)).get(20, TimeUnit.SECONDS))
        .isIn(true, false); // an interpreter without a compiler gives up
    assertThat(Rehearsal.none()).isCompletedWithValue(false);
  }
}
