package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import orrery.kv.KvDtype;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/** Host slots are counted, bounded and apart from each other. */
class HostPoolTest {
  private static PartLayout parts() {
    KvLayout layout = Kept.everyKind(KvDtype.FP8);
    return new PartLayout(layout, new KvGeometry(layout, 16));
  }

  @Test
  void slotsAreTakenUntilNoneIsLeftAndGivenBack() {
    try (HostPool host = new HostPool(parts(), new int[] {5, 3})) {
      assertThat(host.total(0)).isEqualTo(5);
      assertThat(host.available(1)).isEqualTo(3);
      Set<Integer> taken = new HashSet<>();
      for (int i = 0; i < 5; i++) {
        taken.add(host.take(0));
      }
      assertThat(taken).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
      assertThat(host.available(0)).isZero();
      assertThat(host.take(0)).isEqualTo(HostPool.NONE);
      assertThat(host.available(1)).as("another pool").isEqualTo(3);
      host.give(0, 3);
      assertThat(host.available(0)).isEqualTo(1);
      assertThat(host.take(0)).isEqualTo(3);
    }
  }

  @Test
  void aSlotThatIsFreeCannotBeGivenBack() {
    try (HostPool host = new HostPool(parts(), new int[] {2, 2})) {
      int slot = host.take(1);
      host.give(1, slot);
      assertThatThrownBy(() -> host.give(1, slot))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("slot 0 of pool 1 is free already");
      assertThat(host.available(1)).isEqualTo(2);
    }
  }

  @Test
  void theBytesOfASlotAreItsOwn() {
    PartLayout parts = parts();
    try (HostPool host = new HostPool(parts, new int[] {3, 2})) {
      for (int pool = 0; pool < 2; pool++) {
        for (int slot = 0; slot < host.total(pool); slot++) {
          assertThat(host.at(pool, slot).byteSize()).isEqualTo(parts.bytes(pool));
          host.at(pool, slot).fill((byte) (10 * pool + slot));
        }
      }
      for (int pool = 0; pool < 2; pool++) {
        for (int slot = 0; slot < host.total(pool); slot++) {
          assertThat(host.at(pool, slot).toArray(ValueLayout.JAVA_BYTE))
              .containsOnly(10 * pool + slot);
        }
      }
    }
  }

  @Test
  void noByteBeyondASlotCanBeReachedAndNoneAfterTheEnd() {
    HostPool host = new HostPool(parts(), new int[] {2, 2});
    MemorySegment slot = host.at(0, 1);
    assertThatThrownBy(() -> slot.get(ValueLayout.JAVA_BYTE, slot.byteSize()))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> host.at(0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    host.close();
    assertThatThrownBy(() -> slot.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aSlotThatIsGivenBackIsPoisoned() {
    try (HostPool host = new HostPool(parts(), new int[] {2, 2})) {
      int slot = host.take(0);
      host.at(0, slot).fill((byte) 1);
      host.give(0, slot);
      assertThat(host.at(0, slot).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0xFF);
    }
  }

  @Test
  void aPoolWithPartsNeedsSlotsAndAPoolWithoutHasNone() {
    assertThatThrownBy(() -> new HostPool(parts(), new int[] {2, 0}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("host slots of pool 1: found 0 for parts of");
    KvLayout layout =
        new KvLayout(List.of(Stream.whole("key", 4), new Stream("heavy", 4, 1, 4, 0)));
    PartLayout parts = new PartLayout(layout, new KvGeometry(layout, 16));
    assertThatThrownBy(() -> new HostPool(parts, new int[] {2, 1}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("host slots of pool 1: found 1 for parts of 0 pages");
    new HostPool(parts, new int[] {2, 0}).close();
  }
}
