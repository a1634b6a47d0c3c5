package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PagePoolTest {
  @Test
  void aPageGivenBackTwiceIsABugThatIsNamed() {
    PagePool pool = new PagePool(3);
    int page = pool.take();
    pool.give(page);
    assertThatThrownBy(() -> pool.give(page))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("page 0 is free already");
    assertThat(pool.available()).isEqualTo(3);
  }

  @Test
  void aPageThatWasNeverTakenCannotBeGivenBack() {
    PagePool pool = new PagePool(2);
    assertThatThrownBy(() -> pool.give(1)).hasMessage("page 1 is free already");
  }

  @Test
  void anExhaustedPoolSaysHowManyPagesItHas() {
    PagePool pool = new PagePool(2);
    pool.take();
    pool.take();
    assertThatThrownBy(pool::take)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no free page of 2");
    assertThat(pool.available()).isZero();
  }

  @Test
  void aPoolWithoutPagesIsRefused() {
    assertThatThrownBy(() -> new PagePool(0)).hasMessage("pages: expected at least 1, found 0");
  }

  @Test
  void pagesAreConservedAndNeverHandedOutTwiceInARandomWalk() {
    long seed = 17;
    System.out.println("page pool walk, seed " + seed);
    Random random = new Random(seed);
    PagePool pool = new PagePool(23);
    List<Integer> held = new ArrayList<>();
    Set<Integer> everHeld = new HashSet<>();
    for (int i = 0; i < 20_000; i++) {
      boolean take = held.isEmpty() || pool.available() > 0 && random.nextBoolean();
      if (take) {
        int page = pool.take();
        assertThat(page).isBetween(0, 22);
        assertThat(held).doesNotContain(page);
        held.add(page);
        everHeld.add(page);
      } else {
        pool.give(held.remove(random.nextInt(held.size())));
      }
      assertThat(pool.available() + held.size()).isEqualTo(pool.total());
    }
    assertThat(everHeld).hasSize(23);
  }
}
