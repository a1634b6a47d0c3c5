package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import orrery.engine.EngineOptions;
import orrery.events.Event;
import orrery.events.Event.StepDone;
import orrery.events.EventSink;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.sampling.SamplingParams;

/**
 * What overlap gains, by requests at once and by what the host has to do; and what a step without
 * overlap takes beside its forward pass. Runs with and without overlap are neighbours in each
 * round.
 */
public final class OverlapLab implements Lab.Experiment {
  /**
   * What to run.
   *
   * @param load requests at once, tokens of each prompt and of each answer
   * @param hostMicros what a token takes more on a host that is made slow on purpose, in
   *     microseconds; 0 to leave this work out
   */
  public record Shape(ThroughputLab.Shape load, int hostMicros) {
    public Shape {
      if (hostMicros < 0 || hostMicros > 1_000_000) {
        throw new IllegalArgumentException(
            "host-delay: expected 0 to 1000000 microseconds, found " + hostMicros);
      }
    }
  }

  private static final int QUICK_TOKENS = 8; // of an answer

  /** What the host has to do for each token. */
  private record Work(String name, SamplingParams params, EventSink host) {}

  /** One work at one number of requests, without overlap and with it. */
  private record Pair(Work work, int batch, Series off, Series on) {
    Spread gain() {
      return Spread.of(on.over(off, Trace::tokensPerSecond));
    }
  }

  private final Shape shape;

  OverlapLab(Shape shape) {
    this.shape = shape;
  }

  @Override
  public void require(Subject s) {
    ThroughputLab.require(s, shape.load());
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Work> works = works(s);
    List<Variant> variants = new ArrayList<>(); // without and with overlap, alternately
    for (int batch : shape.load().batches()) {
      for (Work work : works) {
        variants.add(variant(s, work, batch, false));
        variants.add(variant(s, work, batch, true));
      }
    }
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
    List<Pair> pairs = new ArrayList<>();
    for (int batch : shape.load().batches()) {
      for (Work work : works) {
        int at = 2 * pairs.size();
        pairs.add(new Pair(work, batch, all.get(at), all.get(at + 1)));
      }
    }
    speeds(s, sheet, all);
    gains(s, sheet, works, pairs);
    parts(s, sheet, pairs);
    return List.of(chart(s, works, pairs));
  }

  private List<Work> works(Subject s) {
    int tokens = s.size(shape.load().tokens(), Math.min(QUICK_TOKENS, shape.load().tokens()));
    SamplingParams greedy =
        SamplingParams.defaults().withTemperature(0).withIgnoreEos(true).withMaxTokens(tokens);
    SamplingParams drawn = greedy.withTemperature(0.8).withSeed(s.settings().seed());
    List<Work> works = new ArrayList<>();
    works.add(new Work("greedy", greedy, EventSink.NONE));
    works.add(new Work("top-p 0.95", drawn.withTopP(0.95), EventSink.NONE));
    works.add(new Work("top-k 40, 5 logprobs", drawn.withTopK(40).withLogprobs(5), EventSink.NONE));
    if (shape.hostMicros() > 0) {
      String name = "greedy, host + " + shape.hostMicros() + " us a token";
      works.add(new Work(name, greedy, this::delay));
    }
    return works;
  }

  /** A host that takes longer: for each token it keeps the thread that tells clients. */
  private void delay(Event event) {
    if (event instanceof Event.TokenOut) {
      long end = System.nanoTime() + 1000L * shape.hostMicros();
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
    }
  }

  private Variant variant(Subject s, Work work, int batch, boolean overlap) {
    Draw draw = s.draw();
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      jobs.add(new Job(draw.tokens(shape.load().prompt()), work.params()));
    }
    List<Job> before =
        jobs.stream().map(j -> j.briefly(draw.tokens(j.prompt().length), 2)).toList();
    EngineOptions options =
        ThroughputLab.options(s, shape.load(), batch).withCompute(c -> c.withOverlap(overlap));
    String name = requests(batch) + ", " + work.name() + (overlap ? ", overlap" : "");
    return new Variant(name, () -> Session.run(s.loaded(), options, work.host(), before, jobs));
  }

  private static String requests(int batch) {
    return batch + (batch == 1 ? " request" : " requests");
  }

  private void speeds(Subject s, Sheet sheet, List<Series> all) {
    sheet.title(
        "overlap: " + s.description(),
        "prompts of "
            + shape.load().prompt()
            + " random tokens, then nothing but decoding; planned ahead: steps whose plan did not"
            + " wait for the step before");
    new Comparison("overlap, " + s.name())
        .column("tok/s", Trace::tokensPerSecond)
        .column("planned ahead, %", OverlapLab::plannedAhead)
        .print(sheet, all);
  }

  private static double plannedAhead(Trace t) {
    long ahead =
        t.all(Event.Overlapped.class).stream().filter(o -> o.settledFirst().equals("NO")).count();
    return 100.0 * ahead / t.steps().size();
  }

  private void gains(Subject s, Sheet sheet, List<Work> works, List<Pair> pairs) {
    sheet.title(
        "gain of overlap: " + s.description(),
        "tokens a second with overlap over without, of neighbours in the same round");
    List<List<String>> cells = new ArrayList<>();
    cells.add(new ArrayList<>(List.of("host")));
    shape.load().batches().forEach(batch -> cells.getFirst().add(requests(batch)));
    for (Work work : works) {
      List<String> row = new ArrayList<>(List.of(work.name()));
      for (Pair p : of(work, pairs)) {
        Spread gain = p.gain();
        row.add(gain.cell());
        String what = requests(p.batch()) + ", " + work.name();
        sheet.keep(
            new Figure(
                "gain of overlap, " + s.name(), what, "x", gain.median(), gain.low(), gain.high()));
      }
      cells.add(row);
    }
    Comparison.markdown(sheet, cells);
  }

  private static List<Pair> of(Work work, List<Pair> pairs) {
    return pairs.stream().filter(p -> p.work().equals(work)).toList();
  }

  /** What a full step without overlap takes, part by part. */
  private void parts(Subject s, Sheet sheet, List<Pair> pairs) {
    int batch = shape.load().batches().stream().mapToInt(b -> b).max().orElseThrow();
    sheet.title(
        "parts of a step: " + s.description(),
        String.format(
            Locale.ROOT, "decoding steps of %s without overlap, median us", requests(batch)));
    List<Series> off = pairs.stream().filter(p -> p.batch() == batch).map(Pair::off).toList();
    ToDoubleFunction<Trace> whole = t -> micros(t, batch, StepDone::busyNanos);
    ToDoubleFunction<Trace> forward = t -> micros(t, batch, StepDone::launchNanos);
    new Comparison("parts of a step, " + s.name())
        .column("step", whole)
        .column("plan", t -> micros(t, batch, StepDone::planNanos))
        .column("rows", t -> micros(t, batch, StepDone::draftNanos))
        .column("forward", forward)
        .column("judge", t -> micros(t, batch, StepDone::judgeNanos))
        .column("commit", t -> micros(t, batch, StepDone::commitNanos))
        .column(
            "all but forward, %",
            t -> 100 * (1 - forward.applyAsDouble(t) / whole.applyAsDouble(t)))
        .print(sheet, off);
  }

  private static double micros(Trace t, int batch, ToLongFunction<StepDone> part) {
    double[] micros =
        t.steps().stream()
            .filter(d -> d.decodeRows() == batch && d.rows() == batch)
            .mapToDouble(d -> part.applyAsLong(d) / 1e3)
            .sorted()
            .toArray();
    return Spread.quantile(micros, 0.5);
  }

  private Chart chart(Subject s, List<Work> works, List<Pair> pairs) {
    double[] x = shape.load().batches().stream().mapToDouble(b -> b).sorted().toArray();
    List<Chart.Curve> curves = new ArrayList<>();
    for (Work work : works) {
      double[] y =
          of(work, pairs).stream()
              .sorted(java.util.Comparator.comparingInt(Pair::batch))
              .mapToDouble(p -> p.gain().median())
              .toArray();
      curves.add(new Chart.Curve(work.name(), Chart.Style.LINE, x, y));
    }
    return new Chart(
        "What overlap gains",
        s.description(),
        new Chart.Axis("requests that are answered at once", true),
        new Chart.Axis("times the tokens a second without overlap", false),
        curves);
  }
}
