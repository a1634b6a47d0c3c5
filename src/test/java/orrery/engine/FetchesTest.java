package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.batching.Queues;
import orrery.batching.Sequence;
import orrery.events.Event;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.kv.PageTable;
import orrery.offload.OffloadOptions;
import orrery.offload.PrefetchPolicy;
import orrery.prefix.BlockBook;
import orrery.prefix.NoPrefixCache;
import orrery.prefix.PrefixCache;

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
    int threshold;

    @Override
    public Optional<Fetch> fetch(int[] tokens, int limit, String salt, int threshold) {
      this.threshold = threshold;
      return Optional.of(
          new Fetch() {
            @Override
            public int tokens() {
              return limit;
            }

            @Override
            public boolean ended() {
              return ended;
            }

            @Override
            public void stop() {
              stopped = true;
            }
          });
    }

    @Override
    public Match match(int[] tokens, int limit, String salt) {
      return new Match(came, new int[1], 0);
    }

    @Override
    public Hit acquire(int[] tokens, int limit, String salt, PageTable table) {
      return none.acquire(tokens, limit, salt, table);
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

  private Fetches begin(PrefetchPolicy policy) {
    OffloadOptions options =
        OffloadOptions.defaults()
            .withHicacheStoragePrefetchPolicy(policy)
            .withHicacheStoragePrefetchThreshold(77);
    Fetches fetches = new Fetches(slow, PAGE, options, events::add, () -> now);
    queues.enqueue(sequence);
    fetches.begin(sequence);
    assertThat(slow.threshold).isEqualTo(77);
    assertThat(fetches.any()).isTrue();
    assertThat(events).containsExactly(new Prefetching(now, 0, 0, 10 * PAGE, word(policy)));
    events.clear();
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
    fetches.advance(now);
    assertThat(queues.ready()).isEmpty();
    slow.came = 10 * PAGE;
    slow.ended = true;
    fetches.advance(now);
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
    fetches.advance(until - 1);
    assertThat(queues.ready()).isEmpty();
    fetches.advance(until);
    assertThat(queues.ready()).containsExactly(sequence);
    assertThat(slow.stopped).isTrue();
    assertThat(events).containsExactly(new Prefetched(now, 0, 0, 2 * PAGE, "timeout"));
  }

  @Test
  void waitCompleteHasNoEndOfItsOwn() {
    Fetches fetches = begin(PrefetchPolicy.WAIT_COMPLETE);
    assertThat(fetches.nextEnd()).isEqualTo(Long.MAX_VALUE);
    fetches.advance(Long.MAX_VALUE - 1);
    assertThat(queues.ready()).isEmpty();
  }

  @Test
  void bestEffortNeverWaitsAndEndsTheReadWhenTheRequestStarts() {
    Fetches fetches = begin(PrefetchPolicy.BEST_EFFORT);
    assertThat(queues.ready()).containsExactly(sequence);
    slow.came = PAGE;
    fetches.advance(now);
    assertThat(slow.stopped).isFalse();
    fetches.started(sequence);
    assertThat(slow.stopped).isTrue();
    assertThat(events).containsExactly(new Prefetched(now, 0, 0, PAGE, "started"));
  }

  @ParameterizedTest
  @EnumSource
  void aRequestThatLeavesStopsItsRead(PrefetchPolicy policy) {
    Fetches fetches = begin(policy);
    fetches.leave(sequence);
    assertThat(slow.stopped).isTrue();
    assertThat(sequence.fetching()).isFalse();
    assertThat(fetches.any()).isFalse();
    assertThat(events).containsExactly(new Prefetched(now, 0, 0, 0, "cancelled"));
  }

  @Test
  void theLongestWaitGrowsWithTheTokensUpToHalfAMinute() {
    assertThat(PrefetchPolicy.TIMEOUT.patience(0)).isEqualTo(2 * SECOND);
    assertThat(PrefetchPolicy.TIMEOUT.patience(10 * 1024)).isEqualTo(3 * SECOND);
    assertThat(PrefetchPolicy.TIMEOUT.patience(Integer.MAX_VALUE)).isEqualTo(30 * SECOND);
  }
}
