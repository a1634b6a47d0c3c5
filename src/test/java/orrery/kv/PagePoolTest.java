package orrery.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class PagePoolTest {
  private static final String IDLE_PAGE = "page 1 cannot be %s: it has 0 references and is cached";
  private static final String FREE_PAGE =
      "page 1 cannot be %s: it has 0 references and is not cached";

  @Test
  void pagesAreTakenInOrderAndTheDummyNever() {
    PagePool pool = new PagePool(4);
    assertThat(new int[] {pool.take(), pool.take(), pool.take()}).containsExactly(1, 2, 3);
    assertThat(pool.available()).isZero();
    assertThat(pool.referenced()).isEqualTo(3);
    assertThat(pool.total()).isEqualTo(4);
  }

  @Test
  void aFreedPageIsReusedFirstWhileItIsWarm() {
    PagePool pool = new PagePool(9);
    pool.take();
    int page = pool.take();
    pool.take();
    assertThat(pool.release(page)).isTrue();
    assertThat(pool.take()).isEqualTo(page);
  }

  @Test
  void aSharedPageIsFreeOnlyAfterItsLastHolder() {
    PagePool pool = new PagePool(2);
    int page = pool.take();
    pool.retain(page);
    assertThat(pool.references(page)).isEqualTo(2);
    assertThat(pool.release(page)).isFalse();
    assertThat(pool.available()).isZero();
    assertThat(pool.release(page)).isTrue();
    assertThat(pool.available()).isEqualTo(1);
  }

  @Test
  void aCachedPageOutlivesItsHoldersUntilItIsDropped() {
    PagePool pool = new PagePool(2);
    int page = pool.take();
    pool.keep(page, 35);
    assertThat(pool.isCached(page)).isTrue();
    assertThat(pool.release(page)).isFalse();
    assertThat(pool.idle()).isEqualTo(1);
    assertThat(pool.referenced()).isZero();
    pool.retain(page);
    assertThat(pool.idle()).isZero();
    assertThat(pool.referenced()).isEqualTo(1);
    assertThat(pool.release(page)).isFalse();
    assertThat(pool.drop(page)).isTrue();
    assertThat(pool.idle()).isZero();
    assertThat(pool.available()).isEqualTo(1);
    assertThat(pool.isCached(page)).isFalse();
  }

  @Test
  void idlePagesQueueInTheOrderInWhichTheyBecameIdle() {
    PagePool pool = new PagePool(5);
    for (int page = 1; page < 5; page++) {
      pool.take();
      pool.keep(page, 35);
    }
    assertThat(pool.firstIdle()).isEqualTo(PagePool.DUMMY);
    for (int page : new int[] {2, 4, 1, 3}) {
      pool.release(page);
    }
    pool.retain(4); // from the middle; it comes back at the end
    pool.release(4);
    StringBuilder order = new StringBuilder();
    while (pool.idle() > 0) {
      order.append(pool.firstIdle());
      pool.drop(pool.firstIdle());
    }
    assertThat(order).hasToString("2134");
    assertThat(pool.firstIdle()).isEqualTo(PagePool.DUMMY);
  }

  @Test
  void idlePagesOfALowerPriorityComeFirst() {
    PagePool pool = new PagePool(5);
    for (int page = 1; page < 5; page++) {
      pool.take();
      pool.keep(page, new int[] {100, 0, 35, 35}[page - 1]);
      pool.release(page);
    }
    pool.prioritise(1, 35); // now behind those that have this priority already
    pool.prioritise(2, 100);
    StringBuilder order = new StringBuilder();
    while (pool.idle() > 0) {
      order.append(pool.firstIdle());
      pool.drop(pool.firstIdle());
    }
    assertThat(order).hasToString("3412");
  }

  @Test
  void aPageThatIsDroppedWhileHeldStaysWithItsHolder() {
    PagePool pool = new PagePool(2);
    int page = pool.take();
    pool.keep(page, 35);
    assertThat(pool.drop(page)).isFalse();
    assertThat(pool.available()).isZero();
    assertThat(pool.release(page)).isTrue();
  }

  @Test
  void everyMisuseIsRefusedWithThePageAndItsState() {
    PagePool pool = new PagePool(2);
    refuses(() -> pool.release(1), FREE_PAGE.formatted("released"));
    refuses(() -> pool.retain(1), FREE_PAGE.formatted("retained"));
    refuses(() -> pool.keep(1, 35), FREE_PAGE.formatted("cached"));
    refuses(() -> pool.drop(1), FREE_PAGE.formatted("dropped from the cache"));
    refuses(
        () -> pool.retain(PagePool.DUMMY),
        "page 0 cannot be retained: it has 0 references and is not cached");
    pool.take();
    pool.keep(1, 35);
    refuses(() -> pool.keep(1, 35), "page 1 cannot be cached: it has 1 references and is cached");
    pool.release(1);
    refuses(() -> pool.keep(1, 35), IDLE_PAGE.formatted("cached"));
    refuses(() -> pool.release(1), IDLE_PAGE.formatted("released"));
    refuses(pool::take, "no free page: of 2 are 0 referenced, 1 idle");
    refuses(() -> new PagePool(1), "pages: expected at least 2 (one is the dummy), found 1");
    pool.check();
  }

  private static void refuses(Runnable misuse, String message) {
    assertThatThrownBy(misuse::run).hasMessage(message);
  }

  @Test
  void aMillionRandomOperationsAgreeWithAPlainModel() {
    long seed = 17;
    System.out.println("page pool walk, seed " + seed);
    Random random = new Random(seed);
    int total = 24;
    PagePool pool = new PagePool(total);
    TreeSet<Integer> free = new TreeSet<>();
    for (int page = 1; page < total; page++) {
      free.add(page);
    }
    int[] holders = new int[total];
    boolean[] cached = new boolean[total];
    int[] priority = new int[total];
    List<Integer> queue = new ArrayList<>(); // idle pages, the oldest first
    int[] done = new int[6];
    for (int i = 0; i < 1_000_000; ) {
      int page = 1 + random.nextInt(total - 1);
      int op = random.nextInt(6);
      boolean legal =
          switch (op) {
            case 0 -> !free.isEmpty();
            case 1 -> holders[page] < 3 && (holders[page] > 0 || cached[page]);
            case 2 -> holders[page] > 0;
            case 3 -> holders[page] > 0 && !cached[page];
            case 4 -> cached[page];
            default -> cached[page];
          };
      if (!legal) {
        continue;
      }
      i++;
      done[op]++;
      switch (op) {
        case 0 -> {
          int taken = pool.take();
          assertTrue(free.remove(taken), taken);
          holders[taken] = 1;
          page = taken;
        }
        case 1 -> {
          pool.retain(page);
          holders[page]++;
        }
        case 2 -> {
          boolean becameFree = pool.release(page);
          assertTrue(becameFree == (--holders[page] == 0 && !cached[page]), page);
          if (becameFree) {
            free.add(page);
          }
        }
        case 3 -> {
          priority[page] = random.nextInt(3) * 50;
          pool.keep(page, priority[page]);
          cached[page] = true;
        }
        case 4 -> {
          int as = random.nextInt(3) * 50;
          pool.prioritise(page, as);
          if (as != priority[page]) {
            queue.remove((Integer) page); // and comes back as the newest
          }
          priority[page] = as;
        }
        default -> {
          cached[page] = false;
          boolean becameFree = pool.drop(page);
          assertTrue(becameFree == (holders[page] == 0), page);
          if (becameFree) {
            free.add(page);
          }
        }
      }
      assertTrue(pool.references(page) == holders[page], page);
      assertTrue(pool.isCached(page) == cached[page], page);
      assertTrue(pool.available() == free.size(), page);
      boolean idle = cached[page] && holders[page] == 0;
      if (!idle) {
        queue.remove((Integer) page);
      } else if (!queue.contains(page)) {
        queue.add(page);
      }
      assertTrue(pool.idle() == queue.size(), page);
      int first = queue.stream().min(Comparator.comparingInt(q -> priority[q])).orElse(0);
      assertTrue(pool.firstIdle() == first, page);
      assertTrue(pool.available() + pool.referenced() + pool.idle() + 1 == total, page);
      if (i % 64 == 0) {
        pool.check();
      }
    }
    assertThat(Arrays.stream(done).min().getAsInt())
        .as("fewest legal operations of a kind")
        .isGreaterThan(50_000);
  }

  /** A million AssertJ assertions would take a minute. */
  private static void assertTrue(boolean holds, int page) {
    if (!holds) {
      throw new AssertionError("books differ from the model after an operation on page " + page);
    }
  }
}
