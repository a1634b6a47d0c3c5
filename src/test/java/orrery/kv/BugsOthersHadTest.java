package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Bugs that other small engines had in their caches. */
class BugsOthersHadTest {

  /** vllm-mlx#385: a trimmed cache kept its stale tail, and a layer read that tail. */
  @Test
  void aTrimmedTailHoldsNothingThatCouldBeReadAndComesBackEmpty() {
    KvCache kv = new KvCache(KvCacheTest.MIXED, 4, 32, 8);
    for (int keep = 0; keep <= 16; keep++) {
      PageTable t = kv.newTable();
      kv.reserve(t, 16);
      for (int s = 0; s < 5; s++) {
        for (int pool = 0; pool < 3; pool++) {
          if (kv.layout().poolOf(s) == pool) {
            int size = 4 * kv.layout().streams().get(s).width();
            for (int i = 0; i < t.end(pool); i++) {
              int page = t.pages(pool)[i];
              Arrays.fill(kv.rows(s).floats(), page * size, (page + 1) * size, 1f);
            }
          }
        }
      }
      kv.trim(t, keep);
      kv.reserve(t, 16); // grows again over the same pages
      for (int s = 0; s < 5; s++) {
        int pool = kv.layout().poolOf(s);
        int width = kv.layout().streams().get(s).width();
        for (int slot = Math.ceilDiv(keep, 4) * 4; slot < 16; slot++) {
          float stale = kv.rows(s).floats()[(t.pages(pool)[slot / 4] * 4 + slot % 4) * width];
          assertThat(stale).as("keep %d, stream %d, slot %d", keep, s, slot).isNaN();
        }
      }
      kv.release(t);
    }
  }
}
