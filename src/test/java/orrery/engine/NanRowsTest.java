package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.greedy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.speculation.Draftable;
import orrery.speculation.MtpRows;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/** One row of a request is NaN: in any layer, anywhere in its prompt or its answer. */
class NanRowsTest {
  private static final int BAD = 50;
  private static final int PAGE = 4; // of EngineTest.SCALAR
  private static final int[] GOOD_PROMPT = {7, 3, 28, 12, 9, 41, 17, 60, 2, 33, 11, 5, 26, 19};
  private static final SamplingParams NEVER_BAD =
      greedy(12).withLogprobs(2).withLogitBias(List.of(new TokenBias(BAD, -100)));
  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("trained"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static EngineOptions options(Algorithm algorithm, PrefixCacheKind prefix, int chunk) {
    return SCALAR
        .withPrefix(p -> p.withPrefixCache(prefix))
        .withBatching(b -> b.withChunkedPrefillSize(chunk).withMaxRunningRequests(6))
        .withSpeculation(
            _ ->
                SpeculationOptions.defaults()
                    .withAlgorithm(algorithm)
                    .withNumSteps(algorithm == Algorithm.OFF ? 0 : 3));
  }

  private static int[] with(int[] prompt, int at, int token) {
    int[] changed = prompt.clone();
    changed[at] = token;
    return changed;
  }

  /** Counts the tokens that each request put into the prefix cache. */
  private static final class Inserted {
    private final Map<Integer, Integer> requests = new HashMap<>(); // by sequence
    private final Map<Integer, Integer> tokens = new HashMap<>(); // by request

    void see(Event e) {
      if (e instanceof Event.Admitted a) {
        requests.put(a.sequence(), a.request());
        tokens.merge(a.request(), a.hit(), Integer::sum);
      } else if (e instanceof Event.PrefixInserted p) {
        tokens.merge(requests.get(p.sequence()), p.tokens(), Integer::sum);
      }
    }

    int of(Completion c) {
      return tokens.getOrDefault(c.id(), 0);
    }
  }

  /** Refuses NaN in any row that a sequence without the bad token sees. */
  private static Drafters watching(EngineOptions o, int[] looked) {
    Drafters real = Drafters.of(o.speculation(), loaded.model().vocab());
    return (runner, steps, cache, sampler) -> {
      CachedRows rows = new CachedRows(loaded.model(), cache);
      return new MeddlingDrafter(
          real.make(runner, steps, cache, sampler),
          Map.of(),
          loaded.model().vocab(),
          null,
          (s, d, finished) -> {
            boolean bad = Arrays.stream(s.tokens(), 0, s.known()).anyMatch(t -> t == BAD);
            if (!bad) {
              looked[0] += look(rows, s, rows.boundary < 0 ? 0 : MtpRows.newestSlot(d));
            }
          });
    };
  }

  private static int look(CachedRows rows, Draftable s, int newestMtpSlot) {
    int looked = 0;
    for (int stream = 0; stream < rows.streams(); stream++) {
      boolean mtp = rows.isMtp(stream);
      for (int slot = mtp ? 1 : 0; slot < (mtp ? newestMtpSlot + 1 : s.computed()); slot++) {
        if (stream != rows.boundary || slot % PAGE == PAGE - 1) {
          assertThat(rows.row(stream, s.table(), slot))
              .as("stream %d, slot %d", stream, slot)
              .doesNotContain(Float.NaN);
          looked++;
        }
      }
    }
    return looked;
  }

  /**
   * The row is NaN from one layer on; behind the last layer no other row shows it. The failing
   * request has one answer or three, and comes before and between requests that begin alike.
   */
  @ParameterizedTest
  @ValueSource(strings = {"streams.0", "streams.1", "streams.2", "hidden"})
  void aPromptRowThatIsNaNAnywhereFailsItsRequestAloneAndIsNotShared(String tap) {
    int[] looked = {0};
    try (Engine whole = Engine.start(loaded, SCALAR)) {
      String expected = bits(whole.submit(Request.of(GOOD_PROMPT, NEVER_BAD)).join());
      for (int at = 0; at < GOOD_PROMPT.length; at++) {
        for (Algorithm algorithm : List.of(Algorithm.OFF, Algorithm.MTP)) {
          PrefixCacheKind prefix = at % 2 == 0 ? PrefixCacheKind.RADIX : PrefixCacheKind.HASH;
          EngineOptions o = options(algorithm, prefix, at % 3 == 0 ? 5 : 64);
          String what = tap + ", row " + at + ", " + o;
          Request fails =
              Request.of(with(GOOD_PROMPT, at, BAD), at % 4 < 2 ? NEVER_BAD : siblings());
          Request good = Request.of(GOOD_PROMPT, NEVER_BAD);
          Inserted inserted = new Inserted();
          List<Completion> failing = new ArrayList<>();
          List<Completion> all = new ArrayList<>();
          try (Engine engine =
              Engine.start(NanModel.of(loaded, BAD, tap), o, inserted::see, watching(o, looked))) {
            failing.add(engine.submit(fails));
            all.addAll(engine.submit(List.of(good, fails, good)));
            failing.add(all.remove(1));
            all.forEach(c -> assertThat(bits(c.join())).as(what).isEqualTo(expected));
            failing.add(engine.submit(fails)); // behind hits
            all.add(engine.submit(good));
            assertThat(bits(all.getLast().join())).as(what).isEqualTo(expected);
            for (Completion c : failing) {
              assertThatThrownBy(c::join)
                  .as(what)
                  .hasMessageContainingAll(
                      "request " + c.id(), "position " + at, "the model's state is NaN");
            }
          }
          for (Completion c : failing) {
            assertThat(inserted.of(c)).as(what).isLessThanOrEqualTo(at / PAGE * PAGE);
          }
        }
      }
    }
    assertThat(looked[0]).as("rows of others").isGreaterThan(50_000);
  }

  private static SamplingParams siblings() {
    return greedy(12).withN(3).withLogitBias(List.of(new TokenBias(BAD, -100)));
  }

  @Test
  void aRowOfAnAnswerThatIsNaNInTheLastLayerOnlyFailsItsRequestAndIsNotShared() {
    SamplingParams always = greedy(12).withLogitBias(List.of(new TokenBias(BAD, 100)));
    int[] looked = {0};
    try (Engine whole = Engine.start(loaded, SCALAR)) {
      String expected = bits(whole.submit(Request.of(GOOD_PROMPT, NEVER_BAD)).join());
      for (int length = 1; length <= GOOD_PROMPT.length; length++) {
        for (Algorithm algorithm : List.of(Algorithm.OFF, Algorithm.NGRAM, Algorithm.MTP)) {
          EngineOptions o = options(algorithm, PrefixCacheKind.RADIX, 64);
          Inserted inserted = new Inserted();
          Completion fails;
          try (Engine engine =
              Engine.start(
                  NanModel.of(loaded, BAD, "hidden"), o, inserted::see, watching(o, looked))) {
            fails = engine.submit(Request.of(Arrays.copyOf(GOOD_PROMPT, length), always));
            assertThatThrownBy(fails::join)
                .hasMessageContainingAll("position " + length, "the model's state is NaN");
            Completion good = engine.submit(Request.of(GOOD_PROMPT, NEVER_BAD));
            assertThat(bits(good.join())).as("%s, prompt of %d", o, length).isEqualTo(expected);
          }
          assertThat(inserted.of(fails)).isEqualTo(length / PAGE * PAGE);
        }
      }
    }
  }

  /**
   * A NaN row of the MTP layer costs drafts and no answer. Its page is shared all the same: the row
   * depends on the tokens before it alone, so a request that computed it again would find NaN too.
   */
  @Test
  void rowsThatAreNaNInTheMtpLayerAloneHarmNoAnswer() {
    int hits = 0;
    for (int at = 1; at < GOOD_PROMPT.length; at++) {
      Request q = Request.of(with(GOOD_PROMPT, at, BAD), NEVER_BAD);
      String expected;
      try (Engine whole = Engine.start(loaded, SCALAR)) {
        expected = bits(whole.submit(q).join());
      }
      EngineOptions o = options(Algorithm.MTP, PrefixCacheKind.RADIX, at % 2 == 0 ? 5 : 64);
      int[] guessed = {0};
      try (Engine engine =
          Engine.start(
              NanModel.of(loaded, BAD, NanModel.MTP),
              o,
              e -> guessed[0] += e instanceof Event.Verified ? 1 : 0)) {
        for (int i = 0; i < 3; i++) {
          Answer a = engine.submit(q).join().getFirst();
          assertThat(bits(List.of(a))).as("row %d", at).isEqualTo(expected);
          hits += a.cachedTokens();
        }
      }
      assertThat(guessed[0]).as("drafts behind NaN").isZero();
    }
    assertThat(hits).isGreaterThan(100);
  }
}
