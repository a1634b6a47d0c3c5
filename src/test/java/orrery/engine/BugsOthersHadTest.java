package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.greedy;
import static orrery.engine.EngineTest.sampled;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.kv.PageTable;
import orrery.prefix.PrefixCacheKind;

/** Bugs of other engines that show in answers. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class BugsOthersHadTest {
  private static final List<PrefixCacheKind> CACHES =
      List.of(PrefixCacheKind.RADIX, PrefixCacheKind.HASH);

  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("groups"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static int[] prompt(int n) {
    return IntStream.range(0, n).map(i -> (i * 37 + 11) % 90).toArray();
  }

  private static Request ask(int length, int answer) {
    return Request.of(prompt(length), greedy(answer).withLogprobs(2));
  }

  /** The answer with every switch off: one request, one page, one chunk, no cache. */
  private static String plainly(Request r) {
    EngineOptions plain =
        SCALAR
            .withKv(kv -> kv.withPageSize(0))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF))
            .withCompute(c -> c.withGraph(false))
            .withBatching(b -> b.withMaxRunningRequests(1));
    return answered(plain, List.of(r)).getFirst();
  }

  private static List<String> answered(EngineOptions options, List<Request> requests) {
    try (Engine engine = Engine.start(loaded, options)) {
      return engine.submit(requests).stream().map(c -> bits(c.join())).toList();
    }
  }

  /** nano-vllm#144: if all blocks of a prompt were cached, there was no row left to compute. */
  @Test
  void aPromptWhoseBlocksAreAllCachedComputesItsLastTokenAgainWithTheSameBits() {
    for (PrefixCacheKind prefix : CACHES) {
      for (int page : new int[] {1, 2, 4}) {
        EngineOptions options =
            SCALAR.withKv(kv -> kv.withPageSize(page)).withPrefix(p -> p.withPrefixCache(prefix));
        try (Engine engine = Engine.start(loaded, options)) {
          String first = bits(engine.submit(ask(16, 6)).join());
          Completion again = engine.submit(ask(16, 6));
          assertThat(bits(again.join())).isEqualTo(first).isEqualTo(plainly(ask(16, 6)));
          assertThat(again.join().getFirst().cachedTokens()).isEqualTo(16 - page);
        }
      }
    }
  }

  /** nano-vllm#211: a preempted request came back, hit its own blocks, and counted them wrongly. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRetractedRequestHitsItsOwnBlocksAndGoesOnWithTheSameBits(boolean overlap) {
    List<Request> requests = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int[] p = prompt(9 + i);
      p[0] = i;
      Request r = Request.of(p, sampled(30).withLogprobs(1));
      requests.add(r);
      expected.add(plainly(r));
    }
    for (PrefixCacheKind prefix : CACHES) {
      int ownHits = 0;
      for (SchedulePolicy policy :
          List.of(
              SchedulePolicy.VLLM, SchedulePolicy.SGLANG, SchedulePolicy.TRTLLM_MAX_UTILIZATION)) {
        int[] seen = new int[2]; // retractions, hits after one
        for (int room = 44; room < 110; room += 6) {
          int tokens = room;
          EngineOptions options =
              SCALAR
                  .withCompute(c -> c.withOverlap(overlap))
                  .withPrefix(p -> p.withPrefixCache(prefix))
                  .withBatching(
                      b ->
                          b.withSchedulePolicy(policy)
                              .withScheduleConservativeness(0.01)
                              .withMaxRunningRequests(5))
                  .withKv(kv -> kv.withMaxTotalTokens(tokens).withContextLength(44));
          try (Engine engine = Engine.start(loaded, options, e -> count(e, seen))) {
            List<String> found = engine.submit(requests).stream().map(c -> bits(c.join())).toList();
            assertThat(found).as("%s %s, %d tokens", prefix, policy, tokens).isEqualTo(expected);
          }
        }
        assertThat(seen[0]).as("%s %s: retractions", prefix, policy).isPositive();
        ownHits += seen[1];
      }
      assertThat(ownHits).as("%s: came back to their own blocks", prefix).isPositive();
    }
  }

  private static void count(Event e, int[] seen) {
    seen[0] += e instanceof Event.Retracted ? 1 : 0;
    seen[1] += e instanceof Event.Admitted a && a.retractions() > 0 && a.hit() > 0 ? 1 : 0;
  }

  /**
   * nano-vllm#274: a request that never fits was planned for ever, or crashed with an empty
   * schedule.
   */
  @Test
  void aRequestLargerThanTheMemoryIsRefusedAndTheLargestThatFitsIsAnswered() {
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      EngineOptions options =
          SCALAR
              .withBatching(b -> b.withSchedulePolicy(policy).withBatchWaitMillis(0))
              .withKv(kv -> kv.withMaxTotalTokens(32));
      try (Engine engine = Engine.start(loaded, options)) {
        assertThatThrownBy(() -> engine.submit(ask(20, 13)))
            .hasMessage(
                "request: prompt and max_tokens make 33 tokens, which need 9 pages of 4; the KV"
                    + " cache has 8 (max-total-tokens)");
        List<Request> largest = List.of(ask(20, 12), ask(20, 12));
        for (Completion c : engine.submit(largest)) {
          assertThat(bits(c.join())).isEqualTo(plainly(largest.getFirst()));
        }
      }
    }
  }

  /**
   * MinivLLM#98: after a hit, prefill did not read the cached rows and did not go on at the
   * position.
   */
  @Test
  void rowsAfterAHitReadTheCachedRowsAndGoOnAtTheirPosition() {
    for (PrefixCacheKind prefix : CACHES) {
      for (int page : new int[] {1, 2, 4}) {
        EngineOptions options =
            SCALAR.withKv(kv -> kv.withPageSize(page)).withPrefix(p -> p.withPrefixCache(prefix));
        try (Engine engine = Engine.start(loaded, options)) {
          engine.submit(ask(20, 1)).join();
          for (int length = 21; length < 30; length++) {
            Completion c = engine.submit(ask(length, 5));
            assertThat(bits(c.join())).isEqualTo(plainly(ask(length, 5)));
            assertThat(c.join().getFirst().cachedTokens()).isGreaterThanOrEqualTo(20);
          }
        }
      }
    }
  }

  /** tiny-llm#46: in decode, the offset grew by the prompt's length at every step. */
  @Test
  void thePositionsOfASequenceGrowByExactlyOneWhateverTheChunk() {
    for (int chunk : new int[] {1, 3, 64}) {
      Map<PageTable, Integer> next = new IdentityHashMap<>();
      int[] rows = {0};
      LoadedModel watched =
          SpyModel.spy(
              loaded,
              step -> {
                for (int r = 0; r < step.rows(); r++) {
                  PageTable table = step.tables[step.sequence[r]];
                  int expected = next.getOrDefault(table, 0);
                  assertThat(step.position[r]).isEqualTo(expected);
                  assertThat(step.slot[r]).isEqualTo(expected);
                  next.put(table, expected + 1);
                  rows[0]++;
                }
              });
      EngineOptions options =
          SCALAR
              .withBatching(b -> b.withChunkedPrefillSize(chunk))
              .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF));
      try (Engine engine = Engine.start(watched, options)) {
        engine.submit(List.of(ask(13, 9), ask(22, 9))).forEach(Completion::join);
      }
      assertThat(rows[0]).isEqualTo(13 + 22 + 2 * 8); // the last token is never computed
    }
  }

  /** vllm#7380: the last chunk went wrong when the prompt was a multiple of the block size. */
  @Test
  void everyPromptLengthBesideEveryChunkAndPageBoundaryGivesTheSameBits() {
    for (int page : new int[] {2, 4}) {
      for (int size = 1; size <= 2 * page + 1; size++) {
        int chunk = size;
        List<Request> requests = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int length = 1; length <= 3 * page + 1; length++) {
          requests.add(ask(length, 3));
          expected.add(plainly(ask(length, 3)));
        }
        EngineOptions options =
            SCALAR
                .withKv(kv -> kv.withPageSize(page))
                .withBatching(b -> b.withChunkedPrefillSize(chunk));
        assertThat(answered(options, requests))
            .as("P %d, chunk %d", page, chunk)
            .isEqualTo(expected);
      }
    }
  }

  /** tinygrad#15182: chunks fed wrong tokens beyond the 32nd. */
  @Test
  void everyChunkSizeReadsALongPromptLikeOneWholeChunk() {
    String expected = plainly(ask(70, 4));
    for (int size = 1; size <= 71; size += size < 40 ? 1 : 10) {
      int chunk = size;
      EngineOptions options =
          SCALAR
              .withBatching(b -> b.withChunkedPrefillSize(chunk))
              .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF));
      assertThat(answered(options, List.of(ask(70, 4))))
          .as("chunk %d", chunk)
          .containsExactly(expected);
    }
  }

  /** mlx-lm#1699: a cache update moved the RoPE offset of its batch mates. */
  @Test
  void sequencesOfDifferentLengthsInOneBatchAnswerAsAlone() {
    int[] lengths = {3, 17, 8, 30};
    List<Request> batch = Arrays.stream(lengths).mapToObj(n -> ask(n, 12)).toList();
    List<String> alone = batch.stream().map(BugsOthersHadTest::plainly).toList();
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      EngineOptions options =
          SCALAR.withBatching(b -> b.withSchedulePolicy(policy).withBatchWaitMillis(0));
      assertThat(answered(options, batch)).as("%s", policy).isEqualTo(alone);
    }
  }
}
