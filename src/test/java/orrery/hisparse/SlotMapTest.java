package orrery.hisparse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlotMapTest {
  private static final int WALK = 100_000;

  /** A map by the book: a list in the order of use, and the slot of each entry. */
  private static final class Naive {
    final int slots;
    final Map<Integer, Integer> slotOf = new LinkedHashMap<>(); // the least recently used first

    Naive(int slots) {
      this.slots = slots;
    }

    void touch(int entry) {
      slotOf.put(entry, slotOf.remove(entry));
    }

    int put(int entry) {
      int slot = slotOf.size();
      if (slot == slots) {
        slot = slotOf.remove(slotOf.keySet().iterator().next());
      }
      slotOf.put(entry, slot);
      return slot;
    }
  }

  /** Entries far apart, next to each other, and few that come again and again. */
  private static int entry(Random random, int slots) {
    return switch (random.nextInt(3)) {
      case 0 -> random.nextInt(slots + 1 + slots / 2);
      case 1 -> random.nextInt(1 << 30);
      default -> 1024 * random.nextInt(3 * slots);
    };
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 8, 64, 100})
  void itIsAListOfEntriesInTheOrderOfTheirUse(int slots) {
    Random random = new Random(slots);
    SlotMap map = new SlotMap(slots);
    Naive naive = new Naive(slots);
    for (int i = 0; i < WALK; i++) {
      int entry = entry(random, slots);
      int slot = map.get(entry);
      assertThat(slot).isEqualTo(naive.slotOf.getOrDefault(entry, -1));
      if (slot < 0) {
        assertThat(map.put(entry)).isEqualTo(naive.put(entry));
      } else if (random.nextBoolean()) {
        map.touch(slot);
        naive.touch(entry);
      }
      if (random.nextInt(20 * slots) == 0) {
        map.clear();
        naive.slotOf.clear();
      }
      assertThat(map.size()).isEqualTo(naive.slotOf.size());
      assertThat(map.full()).isEqualTo(naive.slotOf.size() == slots);
    }
    naive.slotOf.forEach((entry, slot) -> assertThat(map.get(entry)).isEqualTo(slot));
  }

  @Test
  void toAskForAnEntryIsNoUseOfIt() {
    SlotMap map = new SlotMap(2);
    map.put(5);
    map.put(6);
    map.get(5);
    map.put(7);
    assertThat(map.get(5)).isEqualTo(-1);
    assertThat(map.get(6)).isEqualTo(1);
  }

  @Test
  void noEntryIsLostWhereManyHaveTheSameHomeInTheTable() {
    int slots = 16;
    List<Integer> together = new ArrayList<>(); // entries that stand next to each other
    for (int entry = 0; together.size() < 64; entry++) {
      if ((entry * 0x9E3779B9 >>> 27) < 3) {
        together.add(entry);
      }
    }
    SlotMap map = new SlotMap(slots);
    Naive naive = new Naive(slots);
    for (int round = 0; round < 3; round++) {
      for (int entry : together) {
        if (map.get(entry) < 0) {
          assertThat(map.put(entry)).isEqualTo(naive.put(entry));
        }
        naive.slotOf.forEach((e, slot) -> assertThat(map.get(e)).isEqualTo(slot));
      }
    }
  }
}
