package orrery.engine;

import static java.lang.Float.NaN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.kernels.KernelSet;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;
import orrery.speculation.Draftable;
import orrery.speculation.Drafts;
import orrery.speculation.MtpRows;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * After any drafts and rejections, every row that may be read equals that row of a run without
 * drafts: keys and values of computed tokens, MTP rows up to the newest one written, and the rows
 * at the ends of complete pages. The test looks after every step at every running sequence.
 */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class RollbackTest {
  private static final int CONTEXT = 64;
  private static final int[] PAGES = {1, 4, 16, 0};

  /** What happened in all runs. */
  private static final class Counts {
    int drafted;
    int accepted;
    int rejected;
    int hits;
    int retractions;
    int forks;
    int cancelled;
    long mainRows;
    long mtpRows;
    long boundaryRows;
    int postponed; // looks at a sequence that has MTP rows to catch up with

    void see(Event e) {
      switch (e) {
        case Event.Verified v -> {
          drafted += v.drafts().length;
          accepted += v.accepted();
          rejected += v.judged() - v.accepted();
        }
        case Event.Admitted a -> hits += a.hit() > 0 ? 1 : 0;
        case Event.Retracted r -> retractions++;
        case Event.Forked f -> forks++;
        case Event.Finished f -> cancelled += f.reason().equals("abort") ? 1 : 0;
        default -> {}
      }
    }
  }

  /** Rows by (stream, position): [answer][stream][position], null where there is none. */
  private final Map<String, float[][][]> plain = new HashMap<>();

  private final Map<String, int[]> answers = new HashMap<>();

  @Test
  void everyVisibleRowOfEveryStreamHasTheBitsOfARunThatNeverDrafted() {
    Counts counts = new Counts();
    long seed = 5;
    for (Path speck : TinyModels.specks()) {
      try (LoadedModel loaded = LoadedModel.load(speck)) {
        if (!loaded.model().hasMtp()) {
          continue;
        }
        plain.clear();
        answers.clear();
        List<Request> requests = requests(loaded.model().vocab(), new Random(seed));
        record(loaded, requests);
        for (int run = 0; run < 16; run++) {
          compare(loaded, requests, seed + run, counts);
        }
      }
    }
    System.out.printf(
        "rollback, seed %d: %d drafts, %d accepted, %d rejected; %d hits, %d retractions, %d forks,"
            + " %d cancelled; compared %d rows, %d MTP rows, %d boundary rows; %d times"
            + " postponed%n",
        seed,
        counts.drafted,
        counts.accepted,
        counts.rejected,
        counts.hits,
        counts.retractions,
        counts.forks,
        counts.cancelled,
        counts.mainRows,
        counts.mtpRows,
        counts.boundaryRows,
        counts.postponed);
    assertThat(counts.accepted).as("accepted").isGreaterThan(1_000);
    assertThat(counts.rejected).as("rejected").isGreaterThan(1_000);
    assertThat(counts.hits).as("hits").isPositive();
    assertThat(counts.retractions).as("retractions").isPositive();
    assertThat(counts.forks).as("forks").isPositive();
    assertThat(counts.cancelled).as("cancelled").isPositive();
    assertThat(counts.boundaryRows).as("boundary rows").isPositive();
    assertThat(counts.postponed).as("postponed").isPositive();
  }

  private static List<Request> requests(int vocab, Random r) {
    List<Request> requests = new ArrayList<>();
    int[] system = r.ints(24, 0, vocab).toArray();
    for (int i = 0; i < 7; i++) {
      int shared = r.nextInt(system.length);
      int[] prompt = Arrays.copyOf(system, shared + 1 + r.nextInt(8));
      for (int t = shared; t < prompt.length; t++) {
        prompt[t] = r.nextInt(vocab);
      }
      SamplingParams params =
          SamplingParams.defaults()
              .withMaxTokens(i == 0 ? CONTEXT - prompt.length : 4 + r.nextInt(24))
              .withIgnoreEos(true)
              .withTemperature(i % 2 * 0.9)
              .withFrequencyPenalty(i % 3 * 0.2)
              .withSeed(1000 + i)
              .withN(i % 3 == 1 ? 3 : 1);
      requests.add(Request.of(prompt, params));
    }
    return requests;
  }

  /**
   * A copy of a request with two tokens more, so its run has every row that the other runs may
   * have.
   */
  private static Request longer(Request r) {
    SamplingParams p = r.params();
    return Request.of(
        r.prompt(),
        SamplingParams.defaults()
            .withMaxTokens(p.maxTokens() + 2)
            .withIgnoreEos(true)
            .withTemperature(p.temperature())
            .withFrequencyPenalty(p.frequencyPenalty())
            .withSeed(p.seed().getAsLong())
            .withN(p.n()));
  }

  private static EngineOptions options(int k) {
    return EngineOptions.defaults()
        .withCompute(c -> c.withKernels(KernelSet.SCALAR))
        .withKv(kv -> kv.withContextLength(CONTEXT))
        .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(k));
  }

  /**
   * Runs one request at a time with pages of one token, so there is a boundary row for every token.
   */
  private void record(LoadedModel loaded, List<Request> requests) {
    EngineOptions alone =
        options(0)
            .withKv(kv -> kv.withContextLength(CONTEXT + 2).withPageSize(1))
            .withBatching(b -> b.withMaxRunningRequests(1))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF))
            .withCompute(c -> c.withGraph(false));
    Drafters drafters =
        (runner, step, cache, sampler) -> {
          CachedRows rows = new CachedRows(loaded.model(), cache);
          return new MeddlingDrafter(
              Drafters.of(alone.speculation(), loaded.model().vocab())
                  .make(runner, step, cache, sampler),
              answers,
              loaded.model().vocab(),
              null,
              (s, d, finished) -> {
                if (finished) {
                  plain.put(key(d), all(rows, s, MtpRows.newestSlot(d)));
                }
              });
        };
    try (Engine engine = Engine.start(loaded, alone, e -> {}, drafters)) {
      for (Request r : requests) {
        engine
            .submit(longer(r))
            .join()
            .forEach(
                a ->
                    answers.put(
                        Crammer.key(r.params().seed().getAsLong(), a.choice()), a.tokens()));
      }
    }
  }

  private static String key(Drafts d) {
    return Crammer.key(d.sampling().seed(), d.sampling().choice());
  }

  private static float[][][] all(CachedRows rows, Draftable s, int mtpSlots) {
    float[][][] all = new float[rows.streams()][s.computed() + 1][];
    for (int stream = 0; stream < all.length; stream++) {
      int first = rows.isMtp(stream) ? 1 : 0;
      int end = rows.isMtp(stream) ? mtpSlots + 1 : s.computed();
      for (int slot = first; slot < end; slot++) {
        all[stream][slot] = rows.row(stream, s.table(), slot);
        assertThat(all[stream][slot]).as("stream %d, slot %d", stream, slot).doesNotContain(NaN);
      }
    }
    return all;
  }

  private void compare(LoadedModel loaded, List<Request> requests, long seed, Counts counts) {
    Random r = new Random(seed);
    boolean tight = r.nextBoolean();
    int page = PAGES[(int) (seed & 3)];
    SchedulePolicy policy = SchedulePolicy.values()[r.nextInt(5)];
    EngineOptions o =
        options(new int[] {1, 2, 3, 5}[r.nextInt(4)])
            .withKv(
                kv -> kv.withPageSize(page).withMaxTotalTokens(tight ? CONTEXT + 16 : 16 * CONTEXT))
            .withBatching(
                b ->
                    b.withChunkedPrefillSize(new int[] {3, 7, 64}[r.nextInt(3)])
                        .withSchedulePolicy(policy)
                        .withBatchWaitMillis(0)
                        .withScheduleConservativeness(0.05)
                        .withMaxRunningRequests(2 + r.nextInt(6)))
            .withPrefix(
                p ->
                    p.withPrefixCache(
                        r.nextBoolean() ? PrefixCacheKind.RADIX : PrefixCacheKind.HASH))
            .withCompute(c -> c.withGraph(r.nextBoolean()).withThreads(1 + r.nextInt(2)));
    Drafters drafters =
        (runner, step, cache, sampler) -> {
          CachedRows rows = new CachedRows(loaded.model(), cache);
          return new MeddlingDrafter(
              Drafters.of(o.speculation(), loaded.model().vocab())
                  .make(runner, step, cache, sampler),
              answers,
              loaded.model().vocab(),
              r,
              (s, d, finished) -> look(rows, s, d, o, counts));
        };
    AtomicInteger steps = new AtomicInteger();
    Completion[] victim = new Completion[1];
    try (Engine engine =
        Engine.start(
            loaded,
            o,
            e -> {
              counts.see(e);
              if (e instanceof Event.StepDone
                  && steps.incrementAndGet() > 12
                  && victim[0] != null) {
                victim[0].cancel();
              }
            },
            drafters)) {
      Request goes = requests.get(1);
      victim[0] = engine.submit(goes);
      List<Completion> all = new ArrayList<>(engine.submit(requests));
      all.addAll(engine.submit(requests)); // the second time after hits on the first time's blocks
      for (int i = 0; i < all.size(); i++) {
        for (Answer a : all.get(i).join()) {
          Request q = requests.get(i % requests.size());
          int[] known = answers.get(Crammer.key(q.params().seed().getAsLong(), a.choice()));
          assertThat(a.tokens())
              .as("request %d of %s, seed %d", i, o, seed)
              .isEqualTo(Arrays.copyOf(known, q.params().maxTokens()));
        }
      }
    }
  }

  private void look(CachedRows rows, Draftable s, Drafts d, EngineOptions o, Counts counts) {
    float[][][] expected = plain.get(key(d));
    int page = o.kv().pageSize() == 0 ? CONTEXT : o.kv().pageSize();
    int newest = MtpRows.newestSlot(d);
    counts.postponed += newest < s.computed() - 1 ? 1 : 0;
    for (int stream = 0; stream < rows.streams(); stream++) {
      boolean mtp = rows.isMtp(stream);
      boolean boundary = stream == rows.boundary;
      int end = mtp ? newest + 1 : s.computed();
      for (int slot = mtp ? 1 : 0; slot < end; slot++) {
        if (boundary && slot % page != page - 1) {
          continue;
        }
        float[] row = rows.row(stream, s.table(), slot);
        if (!Arrays.equals(row, expected[stream][slot])) {
          fail(
              "stream %d (MTP: %s), position %d of %d computed, %d known: found %s, expected %s",
              stream,
              mtp,
              slot,
              s.computed(),
              s.known(),
              Arrays.toString(row),
              Arrays.toString(expected[stream][slot]));
        }
        counts.mainRows += mtp || boundary ? 0 : 1;
        counts.mtpRows += mtp ? 1 : 0;
        counts.boundaryRows += boundary ? 1 : 0;
      }
    }
  }
}
