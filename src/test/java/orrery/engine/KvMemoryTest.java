package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.batching.Queues;
import orrery.batching.Sequence;
import orrery.events.Event;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.prefix.HashBlockCache;
import orrery.prefix.PrefixCache;
import orrery.sampling.SamplingParams;

/** Pages of sequences, with a pool that keeps a window of 8 tokens in pages of 8, two a block. */
class KvMemoryTest {
  private static final int P = 16;
  private static final int LONGEST = 128;
  private static final KvLayout LAYOUT =
      new KvLayout(List.of(Stream.whole("key", 1), new Stream("state", 1, 1, 8, 0)));

  private final List<Event> events = new ArrayList<>();

  private static KvCache cache(int pages, int windowPages) {
    int[] each = {pages, windowPages};
    return new KvCache(LAYOUT, new KvGeometry(LAYOUT, P), LONGEST, each);
  }

  private KvMemory memory(KvCache kv, PrefixCache prefix) {
    return new KvMemory(kv, prefix, events::add, () -> 0);
  }

  private static Sequence sequence(int id, int tokens) {
    int[] prompt = new int[tokens];
    prompt[0] = id;
    return new Sequence(id, id, 0, prompt, LONGEST, 0, id, 0, "");
  }

  private static Sequence play(KvMemory memory, int id, int tokens) {
    Sequence s = sequence(id, tokens);
    memory.start(s);
    memory.reserve(s, tokens);
    s.advance(tokens - s.computed());
    memory.keep(s, tokens);
    return s;
  }

  /** Its tokens stay known, and are computed again when it comes back. */
  @Test
  void aRetractedSequenceHasNothingComputedAndCountsTheRetraction() {
    KvCache kv = cache(8, 8);
    KvMemory memory = memory(kv, new HashBlockCache(kv));
    Sequence s = play(memory, 1, P + 4);
    memory.leave(s, true);
    assertThat(s.computed()).as("computed tokens").isZero();
    assertThat(s.running()).isFalse();
    assertThat(s.known()).isEqualTo(P + 4);
    assertThat(s.retractions()).isOne();
    memory.start(s);
    assertThat(s.computed()).as("the block that the prefix cache kept").isEqualTo(P);
    memory.leave(s, false);
    assertThat(s.retractions()).isOne();
  }

  /** The first pool has an idle page to evict, the second has no page for the copy. */
  @Test
  void aForkWithoutRoomEvictsNothing() {
    KvCache kv = cache(3, 5);
    PrefixCache prefix = new HashBlockCache(kv);
    KvMemory memory = memory(kv, prefix);
    memory.leave(play(memory, 1, P), false);
    Sequence parent = play(memory, 2, P + 4);
    prefix.evict(1, kv.pool(1).idle());
    int free = kv.pool(1).available();
    for (int i = 0; i < free; i++) {
      kv.pool(1).take();
    }
    assertThat(kv.pool(0).available()).isZero();
    assertThat(kv.pool(0).idle()).isEqualTo(1);
    events.clear();
    Sequence fork = sequence(3, P + 4);
    assertThat(memory.fork(parent, fork)).isFalse();
    assertThat(fork.running()).isFalse();
    assertThat(events).isEmpty();
    assertThat(prefix.blocks()).isEqualTo(2);
  }

  /** A hit needs nothing of the state, so the table begins behind what the window has passed. */
  @Test
  void aForkRightBehindAHitRuns() {
    KvCache kv = cache(8, 8);
    HashBlockCache prefix = new HashBlockCache(kv);
    KvMemory memory = memory(kv, prefix);
    memory.leave(play(memory, 1, P + 1), false);
    Sequence parent = play(memory, 1, P + 1);
    assertThat(parent.table().first(1)).isEqualTo(2).isGreaterThan(kv.geometry().passed(1, P + 1));
    Sequence fork = sequence(1, P + 1);
    assertThat(memory.fork(parent, fork)).isTrue();
    assertThat(fork.table().first(1)).isEqualTo(2);
    Queues queues = new Queues();
    queues.admit(parent);
    queues.admit(fork);
    assertThat(Invariants.hold(kv, prefix, queues, 0)).isTrue();
  }

  /** Its drafter has rows of the parent's first block still to write, as the parent's has. */
  @Test
  void aForkIsAsFarBehindAsItsParent() {
    KvCache kv = cache(8, 8);
    HashBlockCache prefix = new HashBlockCache(kv);
    KvMemory memory = memory(kv, prefix);
    Sequence parent = sequence(1, P + 4);
    memory.start(parent);
    memory.reserve(parent, P + 4);
    parent.advance(P + 4);
    memory.keep(parent, P - 4);
    Sequence fork = sequence(1, P + 4);
    assertThat(memory.fork(parent, fork)).isTrue();
    assertThat(fork.complete()).isEqualTo(P - 4);
    assertThat(fork.table().pages(0)[0]).isNotEqualTo(parent.table().pages(0)[0]);
    memory.keep(parent, P + 4); // each puts in its own first block
    memory.keep(fork, P + 4);
    assertThat(prefix.blocks()).isEqualTo(2);
    prefix.check();
  }

  /** A drafter that is 62 tokens behind and writes one slot ahead holds up to ten window pages. */
  @Test
  void aRequestThatCouldNotRunAloneIsRefusedWithTheRowsThatADrafterPutsOff() {
    KvCache kv = cache(8, 9);
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      Request r =
          Request.of(
              new int[] {1, 2, 3},
              SamplingParams.defaults().withMaxTokens(125).withIgnoreEos(true));
      assertThatCode(() -> limits(loaded, kv, 0).requireFit(r, r.params().maxTokens()))
          .doesNotThrowAnyException();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limits(loaded, kv, 63).requireFit(r, r.params().maxTokens()))
          .withMessage(
              "request: prompt and max_tokens make 128 tokens, which need 10 pages of 8; the KV"
                  + " cache's pool window 8 has 9 (swa-full-tokens-ratio, max-total-tokens)");
    }
  }

  private static RequestLimits limits(LoadedModel loaded, KvCache kv, int margin) {
    return new RequestLimits(kv, loaded.model().vocab(), LONGEST, 1, margin, Heap.left());
  }

  @Test
  void aSequenceThatHoldsMorePagesThanItWasAdmittedWithIsNoticed() {
    KvCache kv = cache(8, 16);
    HashBlockCache prefix = new HashBlockCache(kv);
    KvMemory memory = memory(kv, prefix);
    Sequence s = sequence(1, 100);
    memory.start(s);
    memory.reserve(s, 100);
    s.advance(100);
    memory.keep(s, 100 - 62); // put off by a drafter
    Queues queues = new Queues();
    queues.admit(s);
    assertThat(Invariants.hold(kv, prefix, queues, 63)).isTrue();
    assertThatIllegalStateException()
        .isThrownBy(() -> Invariants.hold(kv, prefix, queues, 1))
        .withMessage("sequence 1 holds 10 pages of pool 1, but was admitted with at most 2");
  }
}
