package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.hisparse.HisparseConfig;
import orrery.kv.KvDtype;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.RadixCache.Eviction;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * One random life of an engine that is watched: all events of it, with the books after every step.
 * Requests with shared beginnings and several answers come while others run; some are cancelled,
 * the engine is paused in each mode, and the prefix cache is flushed. Memory is little. Steps of
 * every second life overlap.
 *
 * <p>All is asked for inside events, on the engine's own thread, so the same seed gives the same
 * life; if steps overlap, nearly the same one.
 */
public final class WatchedLife {
  /** Classic models and DeepSeek-V4, random, trained and made up; pages for windows in some. */
  private static final List<Served> MODELS =
      List.of(
          Served.TRAINED,
          Served.MTP,
          Served.GROUPS,
          Served.V4_MTP,
          Served.V4_HF,
          Served.HYBRID,
          Served.V4,
          Served.WINDOWS);

  private static final int CONTEXT = 96;

  private final long seed;
  private final Random random;
  private final Random retentions;
  private final Served model;
  private final LoadedModel loaded;
  private final EngineOptions options;
  private final List<Event> events = new ArrayList<>();
  private final List<Completion> completions = new ArrayList<>();
  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private final int[] system; // [tokens] many prompts begin so
  private Engine engine;
  private int toCome;
  private int open; // answers that have not ended
  private int flushes = 2;

  private WatchedLife(long seed, int requests) {
    this.seed = seed;
    this.random = new Random(seed * 0x9E3779B97F4A7C15L);
    this.retentions = new Random(seed);
    this.model = MODELS.get((int) (seed % MODELS.size()));
    this.loaded = model.load(Optional.empty());
    this.toCome = requests;
    this.system = random.ints(40, 0, loaded.model().vocab()).toArray();
    this.options = options();
  }

  /**
   * Lives.
   *
   * @param requests how many requests come
   * @return all events
   */
  public static List<Event> of(long seed, int requests) {
    WatchedLife life = new WatchedLife(seed, requests);
    life.run();
    return List.copyOf(life.events);
  }

  private void run() {
    try (Engine started = Engine.start(loaded, options, new Sink(), drafters(), 1)) {
      synchronized (this) {
        engine = started;
        submit();
      }
      over.get(5, TimeUnit.MINUTES);
    } catch (Exception e) {
      throw new AssertionError("life " + seed + ", " + model + ", " + options, e);
    }
  }

  private Drafters drafters() {
    return Drafters.of(options.speculation(), loaded.model().vocab());
  }

  private final class Sink implements EventSink {
    @Override
    public boolean wantsBooks() {
      return true;
    }

    @Override
    public void accept(Event event) {
      see(event);
    }
  }

  private synchronized void see(Event event) {
    events.add(event);
    switch (event) {
      case Event.StepDone s -> between();
      case Event.Finished f -> {
        if (--open == 0) {
          submit();
        }
      }
      case Event.Idle idle -> {
        if (open == 0 && toCome == 0) {
          if (flushes-- == 0) {
            over.complete(null);
          } else {
            engine.flushCache();
          }
        }
      }
      default -> {}
    }
  }

  /** Does something, or nothing, before the next step. */
  private void between() {
    switch (random.nextInt(40)) {
      case 0, 1, 2, 3 -> submit();
      case 4 -> completions.get(random.nextInt(completions.size())).cancel();
      case 5 -> {
        boolean ends = random.nextInt(4) == 0; // seldom, since it ends all requests
        engine.pause(
            ends ? PauseMode.ABORT : any(new PauseMode[] {PauseMode.IN_PLACE, PauseMode.RETRACT}));
        if (random.nextBoolean()) {
          submit();
        }
        engine.resume();
      }
      case 6 -> {
        engine.pause(PauseMode.IN_PLACE);
        Completion one = completions.get(random.nextInt(completions.size()));
        engine
            .step(1 + random.nextInt(3))
            .whenComplete(
                (computed, late) -> { // if the pause is over, it fails
                  one.cancel();
                  engine.resume();
                });
      }
      default -> {}
    }
  }

  private void submit() {
    while (toCome > 0) {
      toCome--;
      Request next = request();
      try {
        completions.add(engine.submit(next));
        open += next.params().n();
        if (random.nextInt(3) > 0) {
          return;
        }
      } catch (RequestException refused) {
        if (refused.kind() != RequestException.Kind.INVALID) {
          throw refused;
        }
      }
    }
  }

  private Request request() {
    int shared = random.nextInt(4) == 0 ? 0 : random.nextInt(system.length + 1);
    int[] prompt = Arrays.copyOf(system, shared + 1 + random.nextInt(16));
    for (int t = shared; t < prompt.length; t++) {
      prompt[t] = random.nextInt(loaded.model().vocab());
    }
    SamplingParams params =
        SamplingParams.defaults()
            .withMaxTokens(1 + random.nextInt(Math.min(40, CONTEXT - prompt.length)))
            .withIgnoreEos(random.nextInt(4) > 0)
            .withTemperature(random.nextBoolean() ? 0 : 0.9)
            .withLogprobs(random.nextInt(4) - 1)
            .withN(random.nextInt(4) == 0 ? 3 : 1)
            .withSeed(random.nextLong());
    Request request = Request.of(prompt, params).withPriority(random.nextInt(4) / 3);
    request = retentions.nextInt(3) == 0 ? request.withRetention(retention(request)) : request;
    return random.nextInt(8) == 0 ? request.withSalt("other") : request;
  }

  /** Priorities without an end: a time would end by the clock, so no life would come again. */
  private RetentionConfig retention(Request request) {
    TokenRange beginning =
        TokenRange.of(0, 1 + retentions.nextInt(request.prompt().length), priority());
    return new RetentionConfig(
        List.of(beginning), retentions.nextBoolean() ? Optional.of(priority()) : Optional.empty());
  }

  private Retention priority() {
    return new Retention(retentions.nextInt(Retention.HIGHEST + 1));
  }

  private EngineOptions options() {
    int page = model.pages().get(random.nextInt(model.pages().size()));
    int unit = loaded.model().kvLayout(false, KvDtype.F32).wholeRows(page);
    int tokens = random.nextInt(4) == 0 ? 16 * CONTEXT : CONTEXT + random.nextInt(CONTEXT);
    double ratio = new double[] {0, 0.3, 1}[random.nextInt(3)];
    boolean overlap = (seed + seed / MODELS.size()) % 2 == 0; // of each model, every second life
    return sparse(
        model
            .numbers(EngineOptions.defaults())
            .withCompute(c -> c.withOverlap(overlap))
            .withKv(
                kv ->
                    kv.withContextLength(CONTEXT)
                        .withPageSize(page)
                        .withMaxTotalTokens(Math.max(unit, tokens))
                        .withSwaFullTokensRatio(ratio))
            .withBatching(
                b ->
                    b.withSchedulePolicy(any(SchedulePolicy.values()))
                        .withEnableMixedChunk(random.nextBoolean())
                        .withScheduleConservativeness(random.nextBoolean() ? 0.01 : 1)
                        .withChunkedPrefillSize(new int[] {3, 16, 0}[random.nextInt(3)])
                        .withMaxRunningRequests(1 + random.nextInt(8))
                        .withBatchWaitMillis(0))
            .withPrefix(
                p ->
                    p.withPrefixCache(any(PrefixCacheKind.values()))
                        .withRadixEvictionPolicy(any(Eviction.values())))
            .withSpeculation(_ -> speculation()));
  }

  /** The entries of some lives lie on the host, if there are any, with the smallest buffers. */
  private EngineOptions sparse(EngineOptions all) {
    int chosen = loaded.model().kvLayout(false, KvDtype.F32).chosen();
    if (chosen == 0 || seed / (2 * MODELS.size()) % 2 == 0) {
      return all;
    }
    HisparseConfig config = new HisparseConfig(0, SparseSizes.least(chosen, all));
    return all.withHisparse(h -> h.withEnableHisparse(true).withHisparseConfig(config));
  }

  private SpeculationOptions speculation() {
    Algorithm algorithm =
        random.nextBoolean()
            ? Algorithm.NGRAM
            : loaded.model().hasMtp() ? Algorithm.MTP : Algorithm.OFF;
    return SpeculationOptions.defaults()
        .withAlgorithm(algorithm)
        .withNumSteps(random.nextInt(5))
        .withNgram(1, 4);
  }

  private <T> T any(T[] values) {
    return values[random.nextInt(values.length)];
  }
}
