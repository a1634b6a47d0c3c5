package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import orrery.disagg.TcpNetwork;
import orrery.engine.TwoEngines.Halves;
import orrery.engine.TwoEngines.Side;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.kv.KvDtype;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * A random life of a prefill engine and a decode engine that are both watched: all events, with the
 * books after every step. Requests with shared beginnings and several answers come at once, some
 * are cancelled, and the decode engine has little memory and few places, so that requests stand in
 * each queue while others run.
 *
 * <p>Two threads and a connection between them: the same seed gives the same requests, and not the
 * same order of events.
 *
 * @param prefill the events of the engine that computes prompts
 * @param decode the events of the other one
 */
public record WatchedHandovers(List<Event> prefill, List<Event> decode) {
  private static final List<Served> MODELS =
      List.of(Served.MTP, Served.V4_MTP, Served.TRAINED, Served.WINDOWS);
  private static final int CONTEXT = 96;
  private static final int WAVE = 6;

  /** Every event of an engine, with its books. */
  private static final class Recorder implements EventSink {
    private final List<Event> events = new ArrayList<>();

    @Override
    public void accept(Event event) {
      events.add(event);
    }

    @Override
    public boolean wantsBooks() {
      return true;
    }
  }

  /** Lives with requests of random tokens. */
  public static WatchedHandovers of(long seed) {
    Random random = new Random(seed * 0x9E3779B97F4A7C15L);
    Served model = MODELS.get((int) (seed % MODELS.size()));
    LoadedModel loaded = model.load(Optional.empty());
    int[] system = random.ints(40, 0, loaded.model().vocab()).toArray();
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < WAVE; i++) {
      requests.add(request(random, system, loaded.model().vocab()));
    }
    for (int i = 0; i < WAVE; i++) { // half of these begin like an earlier one
      requests.add(i % 2 == 0 ? requests.get(i) : request(random, system, loaded.model().vocab()));
    }
    EngineOptions prefill = options(random, model, loaded, 160);
    EngineOptions decode = options(random, model, loaded, 160);
    Recorded recorded = new Recorded(loaded, prefill, decode);
    try (TwoEngines two = recorded.two) {
      List<Halves> all = new ArrayList<>(two.submit(requests.subList(0, WAVE)));
      all.get(random.nextInt(WAVE)).decode().cancel();
      end(all.getFirst());
      all.addAll(two.submit(requests.subList(WAVE, requests.size())));
      all.forEach(WatchedHandovers::end);
      requests.subList(0, WAVE).forEach(r -> end(two.submit(r))); // the host may have the prompt
    }
    return recorded.all();
  }

  /** Lives with these requests, which all come at once. */
  public static WatchedHandovers of(
      LoadedModel loaded, EngineOptions prefill, EngineOptions decode, List<Request> requests) {
    Recorded recorded = new Recorded(loaded, prefill, decode);
    try (TwoEngines two = recorded.two) {
      two.submit(requests).forEach(WatchedHandovers::end);
    }
    return recorded.all();
  }

  /** Two engines whose events are kept. */
  private static final class Recorded {
    final Recorder prefill = new Recorder();
    final Recorder decode = new Recorder();
    final TwoEngines two;

    Recorded(LoadedModel loaded, EngineOptions prefills, EngineOptions decodes) {
      Side one = new Side(loaded, prefills, prefill, 1);
      Side other = new Side(loaded, decodes, decode, 1);
      two = new TwoEngines(one, other, TcpNetwork.local(), 4, Duration.ofMinutes(2));
    }

    /** All events, once the engines are closed. */
    WatchedHandovers all() {
      return new WatchedHandovers(List.copyOf(prefill.events), List.copyOf(decode.events));
    }
  }

  /** The half of a request that is cancelled may fail the other one: what matters is its end. */
  private static void end(Halves halves) {
    for (Completion half : List.of(halves.prefill(), halves.decode())) {
      try {
        assertThat(half.await(3, TimeUnit.MINUTES)).as("it ended").isTrue();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static Request request(Random random, int[] system, int vocab) {
    int shared = random.nextInt(4) == 0 ? 0 : random.nextInt(system.length + 1);
    int[] prompt = Arrays.copyOf(system, shared + 1 + random.nextInt(16));
    for (int t = shared; t < prompt.length; t++) {
      prompt[t] = random.nextInt(vocab);
    }
    SamplingParams params =
        SamplingParams.defaults()
            .withMaxTokens(1 + random.nextInt(Math.min(40, CONTEXT - prompt.length)))
            .withIgnoreEos(random.nextInt(4) > 0)
            .withTemperature(0.9)
            .withLogprobs(random.nextInt(4) - 1)
            .withN(random.nextInt(3) == 0 ? 3 : 1)
            .withSeed(random.nextLong());
    return Request.of(prompt, params);
  }

  private static EngineOptions options(
      Random random, Served model, LoadedModel loaded, int tokens) {
    int page = model.pages().getFirst();
    int unit = loaded.model().kvLayout(false, KvDtype.F32).wholeRows(page);
    boolean overlap = random.nextBoolean();
    boolean tiers = random.nextInt(4) > 0;
    EngineOptions plain =
        model
            .numbers(EngineOptions.defaults())
            .withCompute(c -> c.withOverlap(overlap))
            .withKv(
                kv ->
                    kv.withContextLength(CONTEXT)
                        .withPageSize(page)
                        .withMaxTotalTokens(Math.max(unit, tokens)))
            .withBatching(
                b ->
                    b.withChunkedPrefillSize(random.nextBoolean() ? 16 : 0)
                        .withScheduleConservativeness(0.01)
                        .withMaxRunningRequests(3))
            .withPrefix(
                p ->
                    p.withPrefixCache(
                        random.nextBoolean() ? PrefixCacheKind.RADIX : PrefixCacheKind.HASH))
            .withSpeculation(
                s -> s.withAlgorithm(loaded.model().hasMtp() ? Algorithm.MTP : Algorithm.OFF));
    return tiers
        ? SwitchCell.hostBlocks(
            loaded.model(), plain.withOffload(o -> o.withEnableHierarchicalCache(true)), 40)
        : plain;
  }
}
