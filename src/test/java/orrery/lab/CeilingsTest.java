package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import orrery.kernels.VectorKernels;

class CeilingsTest {
  @Test
  void theMultiplyAddsAreReallyDone() {
    float[] x = new float[Ceilings.FMA_FLOATS]; // [14][16]
    for (int i = 0; i < x.length; i++) {
      x[i] = i / 16; // factors 0 and 1, chains from 2 to 13
    }
    for (int lane = 0; lane < 16; lane++) {
      x[lane] = 3;
    }
    float[] sink = new float[16];
    Ceilings.fma(x, sink, 1000);
    // each chain: its start + 1000 · 3 · 1; starts sum to 2 + … + 13 = 90
    for (int lane = 0; lane < VectorKernels.bits() / 32; lane++) {
      assertThat(sink[lane]).isEqualTo(90 + 12 * 3000);
    }
  }

  @Test
  void theReadsSeeEveryIntOfTheirPartAndNoOther() {
    int n = 1024;
    for (int at = 0; at < n; at++) {
      int[] x = new int[n];
      x[at] = 5;
      boolean inside = at >= 128 && at < 896;
      for (boolean eight : new boolean[] {false, true}) {
        int[] sink = new int[16];
        if (eight) {
          Ceilings.readEightStreams(x, 128, 896, sink);
        } else {
          Ceilings.readOneStream(x, 128, 896, sink);
        }
        int seen = 0;
        for (int v : sink) {
          seen |= v;
        }
        assertThat(seen).as("int %d, eight streams: %s", at, eight).isEqualTo(inside ? 5 : 0);
      }
    }
  }
}
