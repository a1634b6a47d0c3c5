package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvDtype;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.prefix.PrefixCacheKind;

/**
 * Blocks of 16 tokens: 16 pages of 1 row of 8 floats, and of a window of 8 tokens the last page of
 * 8 rows of 4 floats.
 */
class HostMemoryTest {
  private static final KvLayout LAYOUT =
      new KvLayout(List.of(Stream.whole("key", 8), new Stream("latent", 4, 1, 8, 7)));
  private static final KvGeometry GEOMETRY = new KvGeometry(LAYOUT, 16);
  private static final int BLOCK = 16 * 8 * 4 + 8 * 4 * 4; // bytes
  private static final long[] PAGES = {100, 30}; // 100 blocks of keys, 30 windows

  private static EngineOptions options() {
    return EngineOptions.defaults().withOffload(o -> o.withEnableHierarchicalCache(true));
  }

  private static HostMemory memory(EngineOptions o) {
    return HostMemory.of(o, LAYOUT, GEOMETRY, PAGES);
  }

  @Test
  void thereIsNoneUnlessItIsAskedForAndSomethingRemembers() {
    assertThat(memory(EngineOptions.defaults()).any()).isFalse();
    EngineOptions off = options().withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF));
    assertThat(memory(off).any()).isFalse();
    assertThat(memory(off).slots()).containsExactly(0, 0);
    assertThat(memory(options()).any()).isTrue();
  }

  @Test
  void theRatioIsOneOfBytesAndAllPoolsHaveRoomForAsManyBlocks() {
    HostMemory memory = memory(options().withOffload(o -> o.withHicacheRatio(1.5)));
    double device = 100 * 16 * 8 * 4 + 30 * 8 * 4 * 4;
    int blocks = (int) (1.5 * device / BLOCK);
    assertThat(memory.slots()).containsExactly(blocks, blocks);
    assertThat(memory.bytes()).isEqualTo((long) blocks * BLOCK);
  }

  @Test
  void theRatioDoesNotCountEntriesThatLieOnTheHostAlready() {
    Stream entries = new Stream("entry", 8, 1, Stream.ALL, Stream.ALL, KvDtype.F32.format(8, 0), 2);
    KvLayout device = new KvLayout(List.of(Stream.whole("key", 8), entries));
    KvLayout host = device.onHost(new DeviceBuffers(4, 1));
    KvGeometry geometry = new KvGeometry(device, 16);
    EngineOptions twice = options().withOffload(o -> o.withHicacheRatio(2));
    long[] pages = {100};
    assertThat(HostMemory.of(twice, device, geometry, pages).slots()).containsExactly(200);
    HostMemory memory = HostMemory.of(twice, host, geometry, pages);
    assertThat(memory.slots()).containsExactly(100); // a block has the rows of both streams
    assertThat(memory.bytes()).isEqualTo(100L * 16 * (8 + 8) * 4);
  }

  @Test
  void aSizeInGigabytesGoesBeforeTheRatio() {
    HostMemory memory = memory(options().withOffload(o -> o.withHicacheSize(7.5 * BLOCK / 1e9)));
    assertThat(memory.slots()).containsExactly(7, 7);
  }

  @Test
  void lessThanABlockIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> memory(options().withOffload(o -> o.withHicacheSize(1e-9))))
        .withMessage(
            "hicache-size: expected host memory for at least one block of 16 tokens, which is 640"
                + " bytes, found 1 bytes");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> memory(options().withOffload(o -> o.withHicacheRatio(1e-6))))
        .withMessageStartingWith("hicache-ratio: expected host memory for at least one block");
  }

  @Test
  void theMachineMustHaveRoomForItBesideTheHeap() {
    HostMemory memory = memory(options().withOffload(o -> o.withHicacheSize(0.001)));
    long enough = Runtime.getRuntime().maxMemory() + memory.bytes();
    assertThatCode(() -> memory.require(enough)).doesNotThrowAnyException();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> memory.require(enough - 1))
        .withMessageMatching(
            "hicache-size: host memory for 1,562 blocks of the KV cache would take 1.0 MiB; the"
                + " machine has [0-9.,]+ .iB, and up to [0-9.,]+ .iB of it are for the heap"
                + " \\(-Xmx\\)");
    memory(EngineOptions.defaults()).require(0); // nothing is asked for
  }

  @Test
  void moreThanTheMachineHasIsRefusedBeforeAnEngineStarts() {
    EngineOptions o = options().withOffload(h -> h.withHicacheSize(1e9));
    try (LoadedModel loaded = LoadedModel.load(orrery.TinyModels.speck("mtp"))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> HeapPlan.requirePossible(loaded, o))
          .withMessageStartingWith("hicache-size: host memory for ");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Engine.start(loaded, o))
          .withMessageStartingWith("hicache-size: host memory for ");
    }
  }
}
