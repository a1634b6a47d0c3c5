package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import orrery.prefix.Retention;
import orrery.prefix.Stays;

/** Which part leaves the host first, and what an eviction has to look at for that. */
class HostOrderTest {
  private long now;
  private final HostOrder order = new HostOrder(() -> now);
  private final HostPool pool = HostSlots.pool(64);
  private final HostIndex index = new HostIndex(pool, () -> now);

  @AfterEach
  void free() {
    pool.close();
  }

  private HostPart add(int number) {
    return order.add(HostSlots.part(number), number);
  }

  private List<HostPart> all() {
    return order.first(Integer.MAX_VALUE, Retention.HIGHEST);
  }

  @Test
  void aPartInUseDoesNotStandInTheOrderAndReturnsToItsPlace() {
    HostPart a = add(0);
    HostPart b = add(1);
    HostPart c = add(2);
    b.read();
    b.read();
    assertThat(all()).containsExactly(a, c);
    b.unread();
    assertThat(all()).containsExactly(a, c);
    b.unread();
    assertThat(all()).containsExactly(a, b, c);
    a.arrive();
    order.touch(a);
    a.arrived();
    assertThat(all()).containsExactly(b, c, a);
  }

  @Test
  void noMoreAreHandedOutThanMayGo() {
    HostPart a = add(0);
    HostPart b = add(1);
    HostPart c = add(2);
    retain(a, 90);
    retain(b, 10);
    assertThat(all()).containsExactly(b, c, a);
    assertThat(order.first(2, Retention.HIGHEST)).containsExactly(b, c);
    assertThat(order.first(9, Retention.USUAL)).containsExactly(b, c);
    assertThat(order.first(9, Retention.LOWEST)).isEmpty();
  }

  private void retain(HostPart part, int priority) {
    Stays<String> blocks = new Stays<>(() -> now);
    var stay = blocks.of("a block");
    blocks.set(stay, new Retention(priority));
    order.retain(part, stay);
  }

  /** However it is touched, retained and used, the order is that of a list that is sorted anew. */
  @Test
  void theOrderIsThatOfPriorityAndThenOfLastUse() {
    Random random = new Random(5);
    List<HostPart> parts = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      parts.add(add(i));
    }
    for (int i = 0; i < 2000; i++) {
      HostPart part = parts.get(random.nextInt(parts.size()));
      switch (random.nextInt(4)) {
        case 0 -> order.touch(part);
        case 1 -> retain(part, random.nextInt(4) * 25);
        case 2 -> part.read();
        default -> {
          if (part.readers() > 0) {
            part.unread();
          }
        }
      }
      List<HostPart> expected =
          parts.stream()
              .filter(HostPart::evictable)
              .sorted(
                  Comparator.comparingInt((HostPart p) -> p.stay.priority())
                      .thenComparingLong(HostPart::used))
              .toList();
      assertThat(all()).isEqualTo(expected);
    }
  }

  /** Behind a slow disk most parts wait to be written: an eviction does not look at them. */
  @Test
  void anEvictionLooksAtFewPartsHoweverManyAreInUse() {
    int[] asked = new int[1];
    index.behind(
        new Behind() {
          @Override
          public int ahead(int slots) {
            return 4;
          }

          @Override
          public boolean has(HostPart part) {
            asked[0]++;
            return false;
          }

          @Override
          public boolean leaving(HostPart part) {
            asked[0]++;
            return false; // its queue is full
          }

          @Override
          public void gone(HostPart part, boolean evicted) {}
        });
    for (int i = 0; i < 64; i++) {
      HostPart part = index.add(HostSlots.part(i), Retention.USUAL);
      if (i < 60) {
        part.read();
      }
    }
    assertThat(index.add(HostSlots.part(64), Retention.USUAL)).isNotNull();
    assertThat(index.find(HostSlots.part(60))).isNull();
    assertThat(asked[0]).isBetween(1, 12);
    index.check();
  }
}
