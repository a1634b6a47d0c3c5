package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EveryLayerTest {
  private static final int LAYERS = 500;

  @Test
  void layersComeInOrder() {
    Integer[] layers = EveryLayer.of(LAYERS, layer -> 3 * layer, Integer[]::new);
    for (int l = 0; l < LAYERS; l++) {
      assertThat(layers[l]).isEqualTo(3 * l);
    }
  }

  @Test
  void theErrorIsThatOfTheFirstLayerThatFailsAsItWasThrown() {
    for (int round = 0; round < 50; round++) {
      for (int first : List.of(0, 7, LAYERS / 2, LAYERS - 1)) {
        IllegalArgumentException error = new IllegalArgumentException("tensor of layer " + first);
        assertThatThrownBy(
                () -> EveryLayer.of(LAYERS, l -> failsFrom(first, l, error), Long[]::new))
            .isSameAs(error);
      }
    }
  }

  private static Long failsFrom(int first, int layer, IllegalArgumentException error) {
    if (layer == first) {
      throw error;
    }
    if (layer > first) {
      throw new IllegalArgumentException("tensor of layer " + layer);
    }
    return (long) layer;
  }

  @Test
  void memoryThatRunsOutIsSaidInItsOwnWords() {
    OutOfMemoryError error = new OutOfMemoryError("Java heap space");
    AtomicInteger calls = new AtomicInteger();
    assertThatThrownBy(
            () ->
                EveryLayer.of(
                    LAYERS,
                    layer -> {
                      calls.incrementAndGet();
                      throw error;
                    },
                    Object[]::new))
        .isSameAs(error)
        .hasNoCause();
    assertThat(calls.get()).isLessThan(LAYERS); // layers behind a failed one are not made
  }
}
