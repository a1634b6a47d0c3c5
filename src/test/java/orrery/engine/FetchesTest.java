package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.batching.Queues;
import orrery.batching.Sequence;
import orrery.events.Event;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.kv.PageTable;
import orrery.offload.OffloadOptions;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.prefix.BlockBook;
import orrery.prefix.NoPrefixCache;
import orrery.prefix.PrefixCache;
import orrery.prefix.Retentions;

/** Requests that wait for files, and those that do not; the test is the clock and the disk. */
class FetchesTest {
  private static final long SECOND = 1_000_000_000L;
  private static final int PAGE = 16;

  /** A cache with slow memory that has the whole prompt, and does what the test says. */
  private static final class Slow implements PrefixCache {
    private final NoPrefixCache none = new NoPrefixCache(1);
    int came;
    boolean ended;
    boolean stopped;
    boolean released;
    int found = 10 * PAGE; // 0: not known yet, or too little
    int asked;
    int threshold;
    int looks; // for a hit
    long losses;

    void lose(int left) {
      came = left;
      losses++;
    }

    @Override
    public Optional<Fetch> fetch(int[] tokens, int limit, String salt, int threshold) {
      this.threshold = threshold;
      asked++;
      stopped = false;
      released = false;
      return Optional.of(
          new Fetch() {
            @Override
            public int tokens() {
              return found;
            }

            @Override
            public boolean ended() {
              return ended;
            }

            @Override
            public void stop() {
              stopped = true;
            }

            @Override
            public void release() {
              stopped = true;
              released = true;
            }
          });
    }

    @Override
    public boolean hasTiers() {
      return true;
    }

    @Override
    public long losses() {
      return losses;
    }

    @Override
    public Match match(int[] tokens, int limit, String salt) {
      looks++;
      return new Match(came, new int[1], 0);
    }

    @Override
    public Hit acquire(
        int[] tokens, int limit, String salt, Retentions retentions, PageTable table) {
      return none.acquire(tokens, limit, salt, retentions, table);
    }

    @Override
    public Lease fork(Lease lease) {
      return none.fork(lease);
    }

    @Override
    public int insert(Lease lease, int[] tokens, int complete, PageTable table) {
      return 0;
    }

    @Override
    public void release(Lease lease) {}

    @Override
    public int evict(int pool, int pages) {
      return 0;
    }

    @Override
    public void clear() {}

    @Override
    public int blocks() {
      return 0;
    }

    @Override
    public BlockBook book() {
      return none.book();
    }

    @Override
    public void check() {}
  }

  private final Slow slow = new Slow();
  private final Queues queues = new Queues();
  private final List<Event> events = new ArrayList<>();
  private final Sequence sequence = new Sequence(0, 0, 0, new int[10 * PAGE + 1], 200, 0, 0, 0, "");
  private long now = 5 * SECOND;

  /** A request waits for files that have the whole prompt. */
  private Fetches begin(PrefetchPolicy policy) {
    Fetches fetches = ask(policy);
    fetches.advance(now, queues);
    assertThat(events).containsExactly(new Prefetching(now, 0, 0, 10 * PAGE, word(policy)));
    events.clear();
    return fetches;
  }

  private Fetches ask(PrefetchPolicy policy) {
    OffloadOptions options =
        OffloadOptions.defaults()
            .withHicacheStorageBackend(StorageBackend.FILE)
            .withHicacheStoragePrefetchPolicy(policy)
            .withHicacheStoragePrefetchThreshold(77);
    Fetches fetches = new Fetches(slow, PAGE, options, events::add, () -> now);
    queues.enqueue(sequence);
    fetches.begin(sequence);
    assertThat(slow.threshold).isEqualTo(77);
    assertThat(fetches.any()).isTrue();
    assertThat(events).as("what files have is not known yet").isEmpty();
    return fetches;
  }

  private static String word(PrefetchPolicy policy) {
    return policy.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @ParameterizedTest
  @EnumSource(names = {"WAIT_COMPLETE", "TIMEOUT"})
  void theSchedulerSeesARequestOnceAllCame(PrefetchPolicy policy) {
    Fetches fetches = begin(policy);
    assertThat(queues.ready()).isEmpty();
    assertThat(queues.isEmpty()).isFalse();
    slow.came = 3 * PAGE;
    fetches.advance(now, queues);
    assertThat(queues.ready()).isEmpty();
    slow.came = 10 * PAGE;
    slow.ended = true;
    fetches.advance(now, queues);
    assertThat(queues.ready()).containsExactly(sequence);
    assertThat(events).containsExactly(new Prefetched(now, 0, 0, 10 * PAGE, "done"));
    assertThat(slow.stopped).isFalse();
    assertThat(fetches.any()).isFalse();
  }

  @Test
  void timeoutTakesWhatCameWhenItsTimeIsUp() {
    Fetches fetches = begin(PrefetchPolicy.TIMEOUT);
    long until = now + 2 * SECOND + SECOND / 10 * 10 * PAGE / 1024;
    assertThat(fetches.nextEnd()).isEqualTo(until);
    slow.came = 2 * PAGE;
    fetches.advance(until - 1, queues);
    assertThat(queues.ready()).isEmpty();
    fetches.advance(until, queues);
    assertThat(queues.ready()).containsExactly(sequence);
    assertThat(slow.stopped).isTrue();
    assertThat(events).containsExactly(new Prefetched(now, 0, 0, 2 * PAGE, "timeout"));
  }

  @Test
  void waitCompleteHasNoEndOfItsOwn() {
    Fetches fetches = begin(PrefetchPolicy.WAIT_COMPLETE);
    assertThat(fetches.nextEnd()).isEqualTo(Long.MAX_VALUE);
    fetches.advance(Long.MAX_VALUE - 1, queues);
    assertThat(queues.ready()).isEmpty();
  }

  @Test
  void bestEffortNeverWaitsAndEndsTheReadWhenTheRequestStarts() {
    Fetches fetches = begin(PrefetchPolicy.BEST_EFFORT);
    assertThat(queues.ready()).containsExactly(sequence);
    slow.came = PAGE;
    fetches.advance(now, queues);
    assertThat(slow.stopped).isFalse();
    fetches.started(sequence);
    assertThat(slow.released).isTrue();
    assertThat(slow.stopped).isTrue();
    assertThat(events).containsExactly(new Prefetched(now, 0, 0, PAGE, "started"));
  }

  @ParameterizedTest
  @EnumSource
  void aRequestThatLeavesStopsItsRead(PrefetchPolicy policy) {
    Fetches fetches = begin(policy);
    fetches.leave(sequence);
    assertThat(slow.released).isTrue();
    assertThat(sequence.fetching()).isFalse();
    assertThat(fetches.any()).isFalse();
    assertThat(events).containsExactly(new Prefetched(now, 0, 0, 0, "cancelled"));
  }

  @ParameterizedTest
  @EnumSource(names = {"WAIT_COMPLETE", "TIMEOUT"})
  void aRequestWaitsUntilItIsKnownWhatFilesHave(PrefetchPolicy policy) {
    slow.found = 0;
    Fetches fetches = ask(policy);
    fetches.advance(now, queues);
    assertThat(queues.ready()).isEmpty();
    slow.ended = true; // too little
    fetches.advance(now, queues);
    assertThat(queues.ready()).containsExactly(sequence);
    assertThat(events).isEmpty();
    assertThat(fetches.any()).isFalse();
  }

  @Test
  void aDiskThatDoesNotEvenSayWhatItHasCannotKeepARequest() {
    slow.found = 0;
    Fetches fetches = ask(PrefetchPolicy.TIMEOUT);
    fetches.advance(now + 2 * SECOND - 1, queues);
    assertThat(queues.ready()).isEmpty();
    fetches.advance(now + 2 * SECOND, queues);
    assertThat(queues.ready()).containsExactly(sequence);
    assertThat(slow.stopped).isTrue();
    assertThat(events).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatCameStaysUntilTheRequestStartsOrLeaves(boolean starts) {
    Fetches fetches = begin(PrefetchPolicy.TIMEOUT);
    slow.came = 10 * PAGE;
    slow.ended = true;
    fetches.advance(now, queues);
    fetches.advance(now + 100 * SECOND, queues);
    assertThat(queues.ready()).containsExactly(sequence);
    assertThat(slow.released).isFalse();
    if (starts) {
      fetches.started(sequence);
    } else {
      fetches.leave(sequence);
    }
    assertThat(slow.released).isTrue();
  }

  @Test
  void filesAreAskedAgainWhenTheFirstInTheQueueHasLostItsHit() {
    Fetches fetches = begin(PrefetchPolicy.WAIT_COMPLETE);
    for (int tries = 1; tries <= 3; tries++) {
      assertThat(slow.asked).isEqualTo(tries);
      slow.came = 10 * PAGE;
      slow.ended = true;
      fetches.advance(now, queues);
      slow.lose(10 * PAGE - 76);
      fetches.advance(now, queues);
      assertThat(queues.ready()).as("less than the threshold").containsExactly(sequence);
      slow.lose(10 * PAGE - 77);
      slow.ended = false;
      fetches.advance(now, queues);
      assertThat(queues.ready()).hasSize(tries < 3 ? 0 : 1);
    }
    assertThat(slow.asked).as("not for ever").isEqualTo(3);
  }

  @Test
  void aRetractedSequenceThatLosesItsRowsIsFetchedToo() {
    Fetches fetches = begin(PrefetchPolicy.WAIT_COMPLETE);
    slow.came = 10 * PAGE;
    fetches.started(sequence);
    queues.admit(sequence);
    queues.retract(sequence);
    fetches.back(sequence);
    fetches.advance(now, queues);
    assertThat(slow.asked).isEqualTo(1);
    slow.lose(0);
    fetches.advance(now, queues);
    assertThat(slow.asked).isEqualTo(2);
    assertThat(queues.ready()).isEmpty();
  }

  @Test
  void theFirstInTheQueueIsLookedAtOnlyWhenSomethingHasLeft() {
    Fetches fetches = begin(PrefetchPolicy.WAIT_COMPLETE);
    slow.came = 10 * PAGE;
    slow.ended = true;
    fetches.advance(now, queues);
    int looks = slow.looks;
    fetches.advance(now, queues);
    fetches.advance(now, queues);
    assertThat(slow.looks).isEqualTo(looks);
    slow.lose(10 * PAGE);
    fetches.advance(now, queues);
    fetches.advance(now, queues);
    assertThat(slow.looks).isEqualTo(looks + 1);
    for (int tries = 2; tries <= 3; tries++) {
      slow.lose(0);
      fetches.advance(now, queues);
      slow.came = 10 * PAGE;
      fetches.advance(now, queues);
    }
    assertThat(slow.asked).isEqualTo(3);
    looks = slow.looks;
    slow.lose(0);
    fetches.advance(now, queues);
    assertThat(slow.looks).as("it is not fetched any more").isEqualTo(looks);
  }

  @Test
  void theLongestWaitGrowsWithTheTokensUpToHalfAMinute() {
    assertThat(PrefetchPolicy.TIMEOUT.patience(0)).isEqualTo(2 * SECOND);
    assertThat(PrefetchPolicy.TIMEOUT.patience(10 * 1024)).isEqualTo(3 * SECOND);
    assertThat(PrefetchPolicy.TIMEOUT.patience(Integer.MAX_VALUE)).isEqualTo(30 * SECOND);
  }
}
