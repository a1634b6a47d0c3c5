package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import orrery.FileTrees;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.kv.KvDtype;
import orrery.offload.OffloadOptions;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.offload.WritePolicy;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.RadixCache.Eviction;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * One random life of an engine whose model has windows: random options and little memory; requests
 * with shared beginnings, some of them with earlier answers; several choices, priorities, salts and
 * cancellations. Whatever the engine takes, it answers with the oracle's bits.
 *
 * <p>Requests come and are cancelled inside events, on the engine's own thread, so that the same
 * seed gives the same life. (One with files is the same up to what the disk's thread does when.)
 */
final class EngineLife {
  private static final int REQUESTS = 16;
  private static final int EARLIER = 4; // of these, in an engine before
  private static final int CONTEXT = 96;
  static final List<Served> MODELS = Served.all(false).stream().filter(Served::windows).toList();

  /** Models with numbers of few bits, which take part in fewer lives. */
  static final List<Served> FEW_BITS = List.of(Served.V4_MTP_FP8, Served.V4_RELEASE_A8);

  private final long seed;
  private final Random random;
  private final Served model;
  private final LoadedModel loaded;
  private final MatrixCounts counts;
  private final Path files; // null: none
  private final EngineOptions options;
  private final Drafters drafters;
  private final List<Request> requests = new ArrayList<>();
  private final List<List<Said>> expected = new ArrayList<>(); // [request][choice]
  private final List<Integer> decodedFrom = new ArrayList<>(); // [request] as in RequestSet
  private final List<Completion> completions = new ArrayList<>(); // [request], null if impossible
  private final CountDownLatch over = new CountDownLatch(1);
  private Engine engine;
  private int open; // choices of submitted requests that have not ended
  private int impossible;
  private int cancelled;
  private int tokens;
  private int operations; // events, see EngineWalkTest

  EngineLife(long seed, List<Served> models) {
    this.seed = seed;
    this.random = new Random(seed * 0x9E3779B97F4A7C15L); // alike seeds, unlike lives
    this.model = models.get(random.nextInt(models.size()));
    LoadedModel bare = model.load(Optional.empty());
    this.counts = new MatrixCounts(bare.model());
    this.loaded = SpyModel.spy(bare, counts::look);
    ask(bare, model.oracle());
    boolean keeps = new Random(~seed * 43).nextBoolean(); // the other draws do not depend on it
    this.files = keeps ? FileTrees.temporary() : null;
    this.options =
        SwitchCell.hostBlocks(
            loaded.model(), options(), new Random(~seed * 41).nextBoolean() ? 3 : 40);
    this.drafters = drafters();
  }

  private void ask(LoadedModel bare, Function<int[], float[][]> oracle) {
    int vocab = bare.model().vocab();
    Random scoring = new Random(~seed); // of its own: the other draws do not depend on it
    Random retaining = new Random(seed ^ 35); // the same
    int[] system = random.ints(48, 0, vocab).toArray();
    int longest = 4 + random.nextInt(CONTEXT - 8);
    while (requests.size() < REQUESTS) {
      int[] prompt = Arrays.copyOf(system, 1 + random.nextInt(Math.min(48, longest)));
      int from = -1;
      if (!requests.isEmpty() && random.nextBoolean()) {
        int i = random.nextInt(requests.size());
        int[] before = requests.get(i).prompt();
        int[] answer = expected.get(i).getFirst().tokens();
        int[] all = Arrays.copyOf(before, before.length + answer.length);
        System.arraycopy(answer, 0, all, before.length, answer.length);
        prompt = Arrays.copyOf(all, 1 + random.nextInt(all.length));
        from = before.length;
      }
      if (random.nextBoolean()) { // other tokens at the end
        int last = random.nextInt(Math.min(3, prompt.length));
        for (int t = prompt.length - 1 - last; t < prompt.length; t++) {
          prompt[t] = random.nextInt(vocab);
        }
      }
      prompt = Arrays.copyOf(prompt, Math.min(prompt.length, longest - 1));
      SamplingParams params = params(Math.max(1, longest - prompt.length));
      params = RequestSet.scored(scoring, prompt.length, params);
      List<Said> each = new ArrayList<>();
      for (int n = 0; n < params.n(); n++) {
        each.add(Said.by(oracle, bare, prompt, params, n));
      }
      Request request = Request.of(prompt, params).withPriority(random.nextInt(4) / 2);
      request = request.withRetention(RandomRetention.of(retaining, request));
      requests.add(random.nextInt(8) == 0 ? request.withSalt("other") : request);
      expected.add(each);
      decodedFrom.add(from);
    }
  }

  private SamplingParams params(int most) {
    return SamplingParams.defaults()
        .withMaxTokens(1 + random.nextInt(most))
        .withIgnoreEos(random.nextInt(4) > 0)
        .withTemperature(random.nextBoolean() ? 0 : 0.9)
        .withN(random.nextInt(3) == 0 ? 2 + random.nextInt(3) : 1)
        .withLogprobs(2)
        .withSeed(random.nextLong());
  }

  private EngineOptions options() {
    boolean overlaps = new Random(~seed * 31).nextInt(8) < 5; // the other draws do not depend on it
    int page = new int[] {4, 4, 8, 12, 16, 24, 32, 48, 0}[random.nextInt(9)];
    int unit = page == 0 ? CONTEXT : loaded.model().kvLayout(false, KvDtype.F32).wholeRows(page);
    int tokens = random.nextInt(4) == 0 ? 16 * CONTEXT : 8 + random.nextInt(2 * CONTEXT);
    double ratio = new double[] {0, 0.1, 0.3, 1, 1}[random.nextInt(5)];
    return model
        .numbers(EngineOptions.defaults())
        .withKv(
            kv ->
                kv.withContextLength(CONTEXT)
                    .withPageSize(page)
                    .withMaxTotalTokens(Math.max(unit, tokens))
                    .withSwaFullTokensRatio(ratio))
        .withBatching(
            b ->
                b.withSchedulePolicy(any(SchedulePolicy.values()))
                    .withLpm(random.nextBoolean())
                    .withEnableMixedChunk(random.nextBoolean())
                    .withScheduleConservativeness(random.nextBoolean() ? 0.01 : 1)
                    .withChunkedPrefillSize(new int[] {1, 3, 7, 32, 0}[random.nextInt(5)])
                    .withMaxRunningRequests(1 + random.nextInt(8))
                    .withBatchWaitMillis(0))
        .withPrefix(
            p ->
                p.withPrefixCache(random.nextInt(8) == 0 ? PrefixCacheKind.OFF : remembering())
                    .withRadixEvictionPolicy(any(Eviction.values())))
        .withCompute(
            c ->
                c.withThreads(1 + random.nextInt(16) / 15)
                    .withGraph(random.nextBoolean())
                    .withOverlap(overlaps))
        .withOffload(_ -> offload())
        .withSpeculation(_ -> speculation());
  }

  private OffloadOptions offload() {
    Random own = new Random(~seed * 37); // the other draws do not depend on it
    OffloadOptions host =
        OffloadOptions.defaults()
            .withEnableHierarchicalCache(own.nextInt(3) > 0)
            .withHicacheWritePolicy(WritePolicy.values()[own.nextInt(3)]);
    if (files == null || !host.enableHierarchicalCache()) {
      return host;
    }
    return host.withHicacheStorageBackend(StorageBackend.FILE)
        .withHicacheStorageDir(files.toString())
        .withHicacheStorageSize(own.nextBoolean() ? 0.0002 : 1)
        .withHicacheStoragePrefetchPolicy(PrefetchPolicy.values()[own.nextInt(3)])
        .withHicacheStoragePrefetchThreshold(1);
  }

  private SpeculationOptions speculation() {
    int steps = random.nextInt(5);
    return switch (random.nextInt(loaded.model().hasMtp() ? 4 : 2)) {
      case 0 -> SpeculationOptions.defaults();
      case 1 ->
          SpeculationOptions.defaults()
              .withAlgorithm(Algorithm.NGRAM)
              .withNumSteps(steps)
              .withNgram(1, 4);
      default ->
          SpeculationOptions.defaults()
              .withAlgorithm(Algorithm.MTP)
              .withNumSteps(steps)
              .withDisableByBatchSize(random.nextInt(4));
    };
  }

  private PrefixCacheKind remembering() {
    PrefixCacheKind[] all = PrefixCacheKind.values();
    return all[1 + random.nextInt(all.length - 1)]; // the first is OFF
  }

  private <T> T any(T[] values) {
    return values[random.nextInt(values.length)];
  }

  private Drafters drafters() {
    int vocab = loaded.model().vocab();
    if (options.speculation().algorithm() != Algorithm.NGRAM || random.nextInt(4) == 0) {
      return Drafters.of(options.speculation(), vocab);
    }
    Map<String, int[]> answers = new HashMap<>();
    for (int i = 0; i < requests.size(); i++) {
      for (int n = 0; n < expected.get(i).size(); n++) {
        long own = requests.get(i).params().seed().getAsLong();
        answers.put(Crammer.key(own, n), expected.get(i).get(n).tokens());
      }
    }
    return random.nextBoolean()
        ? (runner, step, cache, sampler) -> new Crammer(answers, vocab, seed)
        : (runner, step, cache, sampler) -> Crammer.late(answers, vocab, seed);
  }

  /** An engine before this one has left files of the first requests. */
  private void leaveFiles() {
    try (Engine before = Engine.start(loaded, options)) {
      for (Request request : requests.subList(0, EARLIER)) {
        try {
          before.submit(request).join();
        } catch (RequestException refused) {
          assertThat(refused.kind()).isEqualTo(RequestException.Kind.INVALID);
        }
      }
    }
  }

  /** Lives; adds what happened. */
  void run(Map<String, Long> happened) {
    try {
      live(happened);
    } finally {
      if (files != null) {
        FileTrees.delete(files);
      }
    }
  }

  private void live(Map<String, Long> happened) {
    if (options.offload().files()) {
      leaveFiles();
    }
    String life = String.format("life %d: %s, %s", seed, model, options);
    FoldedBooks books = new FoldedBooks();
    EventSink both = books.and(this::see);
    try (Engine started = Engine.start(loaded, options, both, drafters, 1)) {
      synchronized (this) {
        engine = started;
        submit();
      }
      for (int second = 0; !over.await(1, TimeUnit.SECONDS); second++) {
        requireAlive();
        if (second > 300) {
          started.shutdownNow();
          throw new AssertionError(life + ": does not come to an end");
        }
      }
      for (int i = 0; i < completions.size(); i++) {
        if (completions.get(i) != null) {
          requireSaid(life + ", request " + i, i, completions.get(i).join(), happened);
        }
      }
    } catch (InterruptedException | RequestException e) {
      throw new AssertionError(life + ": " + e.getMessage(), e);
    }
    assertThat(books.difference()).as(life).isEmpty();
    add(happened, "keyframes", books.compared());
    add(happened, "operations", operations);
    add(happened, "tokens", tokens);
    add(happened, "impossible", impossible);
    add(happened, "cancelled", cancelled);
    add(happened, "accepted", counts.accepted);
    add(happened, "hits", counts.hits);
    add(happened, "forks", counts.forks);
    add(happened, "forks behind hits", counts.forksBehindHits);
    add(happened, "retractions", counts.retractions);
    add(happened, "stores", counts.stores);
    add(happened, "loads", counts.loads);
    add(happened, "host evictions", counts.hostEvictions);
    add(happened, "writes", counts.writes);
    add(happened, "reads", counts.reads);
    add(happened, "loads of retracted sequences", counts.loadsOfRetracted);
    add(happened, "tombstones", counts.tombstones);
    add(happened, "refusals", counts.refusals);
    add(happened, "passed pages", counts.passedPages);
    add(happened, "scored prompts", counts.scored);
    add(happened, "scored behind hits", counts.scoredBehindHits);
    add(happened, "scored by retracted sequences", counts.scoredRetracted);
  }

  /** Throws if the engine has stopped; then not every choice may have been reported as ended. */
  private synchronized void requireAlive() {
    completions.stream().filter(c -> c != null && c.isDone()).forEach(Completion::join);
  }

  private void add(Map<String, Long> happened, String what, long count) {
    if (count > 0) {
      happened.merge(model + " " + what, count, Long::sum);
    }
  }

  private void requireSaid(String what, int i, List<Answer> answers, Map<String, Long> happened) {
    for (Answer a : answers) {
      Said said = Said.of(a);
      Said all = expected.get(i).get(a.choice());
      tokens += a.tokens().length;
      counts.see(a);
      if (a.finish() instanceof FinishReason.Abort) {
        assertThat(all.bits()).as("%s, choice %d", what, a.choice()).startsWith(said.bits());
        assertThat(said.scores()).as("%s, choice %d", what, a.choice()).isIn(all.scores(), "[]");
        cancelled++;
      } else {
        assertThat(said.toString()).as("%s, choice %d", what, a.choice()).isEqualTo(all.toString());
      }
    }
    boolean decoded =
        decodedFrom.get(i) >= 0 && answers.getFirst().cachedTokens() > decodedFrom.get(i);
    add(happened, "hits behind decoded tokens", decoded ? 1 : 0);
  }

  private synchronized void see(Event e) {
    counts.see(e);
    operations++;
    switch (e) {
      case Event.StepDone s -> {
        if (random.nextInt(6) == 0) {
          submit();
        }
        if (random.nextInt(40) == 0) {
          Completion c = completions.get(random.nextInt(completions.size()));
          if (c != null) {
            c.cancel();
          }
        }
      }
      case Event.Finished f -> {
        if (--open == 0) {
          submit();
        }
      }
      default -> {}
    }
  }

  /** Submits the next request that can be answered; at the end of all, the life is over. */
  private void submit() {
    boolean taken = false;
    while (!taken && completions.size() < requests.size()) {
      Request next = requests.get(completions.size());
      try {
        completions.add(engine.submit(next));
        open += next.params().n();
        taken = true;
      } catch (RequestException refused) {
        completions.add(null);
        impossible++;
        taken = refused.kind() != RequestException.Kind.INVALID; // the engine has stopped
      }
    }
    if (open == 0) {
      over.countDown();
    }
  }
}
