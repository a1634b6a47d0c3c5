package orrery.lab;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.Request;
import orrery.events.Event.Queue;
import orrery.events.EventSink;
import orrery.lab.LongPrompts.Service;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;

/**
 * Long prompts arrive while others decode: in one engine with all threads, or in an engine of their
 * own with half of them.
 */
final class DisaggLab implements Lab.Experiment {
  private static final int[] CHUNKS = {256, 64};
  private static final int[] QUICK_CHUNKS = {32, 16};

  /** One engine that does whole requests. */
  private record Whole(Engine engine) implements Service {
    @Override
    public List<Completion> submit(List<Request> requests) {
      return engine.submit(requests);
    }

    @Override
    public void close() {
      engine.close();
    }
  }

  private final Map<Trace, SplitEngines.Sent> sent = new HashMap<>(); // of runs with two engines

  @Override
  public void require(Subject s) {
    if (s.settings().threads() < 2) {
      throw new IllegalArgumentException(
          "threads: expected at least 2, one for each of two engines, found "
              + s.settings().threads());
    }
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    Draw draw = s.draw();
    List<Job> answers = answers(s, draw);
    List<Job> prompts = prompts(s, draw);
    int threads = s.settings().threads();
    EngineOptions base = options(s, answers.size() + prompts.size());
    List<Variant> variants = new ArrayList<>();
    variants.add(whole(s, "one engine, unchunked", chunks(base, 0), answers, prompts));
    for (int chunk : s.settings().quick() ? QUICK_CHUNKS : CHUNKS) {
      String name = "one engine, mixed chunks of " + chunk;
      variants.add(whole(s, name, chunks(base, chunk), answers, prompts));
    }
    variants.add(split(s, base, answers, prompts));
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
    sheet.title(
        "prompts apart: " + s.description(),
        prompts.size()
            + " prompts of "
            + prompts.getFirst().prompt().length
            + " tokens arrive, one after another, while "
            + answers.size()
            + " requests decode; gaps between two tokens of those. One engine has "
            + s.threads()
            + "; of two engines, that of prompts has "
            + forPrompts(threads)
            + ", the other "
            + (threads - forPrompts(threads)));
    gaps(s, sheet, all, answers.size());
    transfers(s, sheet, all.getLast(), answers.size());
    return List.of(new GapChart(s, answers, prompts).of(all));
  }

  private static List<Job> answers(Subject s, Draw draw) {
    int tokens = s.size(400, 24);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < s.size(8, 3); i++) {
      jobs.add(new Job(draw.tokens(s.size(32, 8)), tokens, tokens));
    }
    return jobs;
  }

  private static List<Job> prompts(Subject s, Draw draw) {
    int tokens = s.size(16, 4);
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < s.size(3, 2); i++) {
      jobs.add(new Job(draw.tokens(s.size(1000, 150)), tokens, tokens));
    }
    return jobs;
  }

  private static EngineOptions options(Subject s, int requests) {
    return s.options()
        .withKv(kv -> kv.withContextLength(s.size(1100, 200)).withMaxTotalTokens(s.size(8192, 800)))
        .withBatching(b -> b.withMaxRunningRequests(requests));
  }

  private static EngineOptions chunks(EngineOptions base, int tokens) {
    return base.withBatching(b -> b.withEnableMixedChunk(true).withChunkedPrefillSize(tokens));
  }

  /** Threads of the prefill engine: half, and the odd one, as prompts are what takes long. */
  private static int forPrompts(int threads) {
    return (threads + 1) / 2;
  }

  private static Variant whole(
      Subject s, String name, EngineOptions options, List<Job> answers, List<Job> prompts) {
    Function<EventSink, Service> start = sink -> new Whole(Engine.start(s.loaded(), options, sink));
    return new Variant(name, () -> LongPrompts.run(start, answers, prompts));
  }

  private Variant split(Subject s, EngineOptions base, List<Job> answers, List<Job> prompts) {
    int threads = s.settings().threads();
    int first = forPrompts(threads);
    EngineOptions prefill = chunks(base, 0).withCompute(c -> c.withThreads(first));
    EngineOptions decode = base.withCompute(c -> c.withThreads(threads - first));
    return new Variant(
        "two engines",
        () -> {
          SplitEngines[] engines = new SplitEngines[1]; // of this run
          Function<EventSink, Service> start =
              sink -> engines[0] = new SplitEngines(s.loaded(), prefill, decode, sink);
          Trace run = LongPrompts.run(start, answers, prompts);
          sent.put(run, engines[0].sent());
          return run;
        });
  }

  private static void gaps(Subject s, Sheet sheet, List<Series> all, int answers) {
    Comparison table =
        new Comparison("prompts apart, " + s.name())
            .column("longest gap, ms", t -> gap(t, answers, 1))
            .column("ITL p99, ms", t -> gap(t, answers, 0.99))
            .column("ITL median, ms", t -> gap(t, answers, 0.5))
            .column("TTFT of long prompts, ms", t -> ttft(t, answers))
            .column("tok/s", Trace::tokensPerSecond)
            .column("prompt rows beside answers", Trace::prefillRows);
    table.print(sheet, all);
    Series two = all.getLast();
    for (Series one : all.subList(0, all.size() - 1)) {
      String aim = one == all.getFirst() ? "3" : "";
      table.ratio(sheet, "longest gap", one, two, t -> gap(t, answers, 1), aim);
    }
    for (Series one : all.subList(0, all.size() - 1)) {
      table.ratio(sheet, "tok/s", two, one, Trace::tokensPerSecond, "");
    }
  }

  private static double gap(Trace t, int answers, double q) {
    return Spread.quantile(t.gapsDuring(answers, last(t)), q);
  }

  private static int last(Trace t) {
    return t.requests() - 1;
  }

  private static double ttft(Trace t, int answers) {
    double sum = 0;
    for (int request = answers; request <= last(t); request++) {
      sum += t.ttft(request);
    }
    return sum / (t.requests() - answers);
  }

  /** What went over the wire, and where the long prompts waited. */
  private void transfers(Subject s, Sheet sheet, Series two, int answers) {
    sheet.title(
        "transfers: " + s.description(),
        "all pages; then mean ms of the long prompts in each queue of the prefill engine (P), in"
            + " which waiting includes computing, and of the decode engine (D)");
    new Comparison("transfers, " + s.name())
        .column("pages", t -> sent.get(t).pages())
        .column("MB", t -> sent.get(t).bytes() / 1e6)
        .column("P bootstrap", t -> stay(sent.get(t).prefill(), Queue.BOOTSTRAP, answers))
        .column("P waiting", t -> stay(sent.get(t).prefill(), Queue.WAITING, answers))
        .column("P inflight", t -> stay(sent.get(t).prefill(), Queue.INFLIGHT, answers))
        .column("D prealloc", t -> stay(t, Queue.PREALLOC, answers))
        .column("D transfer", t -> stay(t, Queue.TRANSFER, answers))
        .column("D waiting", t -> stay(t, Queue.WAITING, answers))
        .print(sheet, List.of(two));
  }

  private static double stay(Trace t, Queue queue, int from) {
    return SplitEngines.stay(t, queue, from);
  }
}
