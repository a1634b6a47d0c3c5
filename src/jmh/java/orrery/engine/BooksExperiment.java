package orrery.engine;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.Keyframe;
import orrery.sampling.SamplingParams;

/**
 * What the books cost the engine's thread. A step's time ends before its books are told, so the
 * books take the time from there to the arrival of {@link Event.StepDone}; a keyframe takes the
 * time from there to its own arrival. Bytes are counted with and without books, by two engines with
 * the same requests. The sinks only count.
 *
 * <p>Medians: on a busy machine some steps are interrupted.
 */
public final class BooksExperiment {
  private static final List<Path> MODELS =
      List.of(Path.of("tiny-models/storyteller-moe"), Path.of("tiny-models/storyteller-v4"));
  private static final int[] BATCHES = {1, 32};
  private static final int PROMPT = 48;
  private static final int TOKENS = 200;
  private static final int WARM = 5; // rounds that compile
  private static final int STEPS = 20_000; // room for the measured ones

  /** Measures on the engine's thread. */
  private static final class Meter implements EventSink {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final boolean books;
    private Engine engine; // for its clock
    private boolean measured;
    private final double[] busy = new double[STEPS]; // [steps] microseconds of each step
    private final double[] told = new double[STEPS]; // [steps] from its end to its report
    private final double[] frames = new double[STEPS]; // [keyframes]
    private int steps;
    private int keyframes;
    private int blocks; // of the newest keyframe
    private long events;
    private long reported; // when the newest step was reported
    private long bytes;
    private long firstBytes;

    Meter(boolean books) {
      this.books = books;
    }

    synchronized void measure(Engine of) {
      engine = of;
      measured = true;
    }

    @Override
    public boolean wantsBooks() {
      return books;
    }

    @Override
    public synchronized void accept(Event event) {
      if (!measured) {
        return;
      }
      long now = engine.nanos();
      events++;
      if (event instanceof Event.StepDone e && steps < STEPS) {
        told[steps] = (now - e.nanos()) / 1e3;
        busy[steps] = e.busyNanos() / 1e3;
        bytes = THREADS.getCurrentThreadAllocatedBytes();
        firstBytes = steps == 0 ? bytes : firstBytes;
        steps++;
        reported = engine.nanos();
      } else if (event instanceof Keyframe k && steps > 0) {
        frames[keyframes++] = (now - reported) / 1e3;
        blocks = k.blocks().size();
      }
    }

    double step() {
      return median(told, steps);
    }

    double keyframe() {
      return keyframes == 0 ? 0 : median(frames, keyframes);
    }

    void print(String name) {
      double share = (step() + keyframe() / Engine.KEYFRAMES) / median(busy, steps);
      System.out.printf(
          "%-8s a step of %7.1f us: reported after %5.2f us, %6.0f bytes, %4.1f events; a keyframe"
              + " of %4d blocks %6.1f us; together %.2f %% of a step%n",
          name,
          median(busy, steps),
          step(),
          (bytes - firstBytes) / (steps - 1.0),
          (double) events / steps,
          blocks,
          keyframe(),
          100 * share);
    }
  }

  private BooksExperiment() {}

  public static void main(String[] args) {
    System.out.printf("answers of %d tokens, 1 thread, medians%n", TOKENS);
    for (Path model : MODELS) {
      try (LoadedModel loaded = LoadedModel.load(model)) {
        for (int batch : BATCHES) {
          System.out.printf("%n%s, %d at once%n", model.getFileName(), batch);
          for (boolean books : new boolean[] {false, true}) {
            run(loaded, batch, new Meter(books)).print(books ? "books" : "without");
          }
        }
      }
    }
  }

  private static Meter run(LoadedModel loaded, int batch, Meter meter) {
    int rounds = batch == 1 ? 60 : 6;
    try (Engine engine = Engine.start(loaded, EngineOptions.defaults(), meter)) {
      for (int round = -WARM; round < rounds; round++) {
        if (round == 0) {
          meter.measure(engine);
        }
        engine.submit(requests(loaded.model().vocab(), batch, round)).forEach(Completion::join);
      }
    }
    return meter;
  }

  private static List<Request> requests(int vocab, int batch, int round) {
    Random random = new Random(round);
    SamplingParams params =
        SamplingParams.defaults().withMaxTokens(TOKENS).withIgnoreEos(true).withSeed(round);
    return IntStream.range(0, batch)
        .mapToObj(_ -> Request.of(random.ints(PROMPT, 0, vocab).toArray(), params))
        .toList();
  }

  private static double median(double[] values, int n) {
    double[] sorted = Arrays.copyOf(values, n);
    Arrays.sort(sorted);
    return sorted[n / 2];
  }
}
