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
import orrery.sampling.SamplingParams;

/**
 * What the books cost the engine: processor time and allocated bytes of a step on the engine's own
 * thread, with a sink that wants the books and with one that does not. Both count events and do
 * nothing else. Two engines take turns, each for one round of requests; the medians count.
 *
 * <p>Processor time, since the wall clock of a busy machine hides a hundredth.
 */
public final class BooksExperiment {
  private static final List<Path> MODELS =
      List.of(Path.of("tiny-models/storyteller-moe"), Path.of("tiny-models/storyteller-v4"));
  private static final int[] BATCHES = {1, 32};
  private static final int PROMPT = 48;
  private static final int TOKENS = 200;
  private static final int ROUNDS = 31;
  private static final int WARM = 8; // rounds that compile

  /** Counts, and reads the counters of the engine's thread at the end of every step. */
  private static final class Meter implements EventSink {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final boolean books;
    private long steps;
    private long events;
    private long cpu; // nanoseconds at the end of the newest step
    private long bytes;
    private long firstCpu; // at the end of the first step of a round; its start is not known
    private long firstBytes;

    Meter(boolean books) {
      this.books = books;
    }

    @Override
    public boolean wantsBooks() {
      return books;
    }

    @Override
    public synchronized void accept(Event event) {
      events++;
      if (event instanceof Event.StepDone) {
        cpu = THREADS.getCurrentThreadCpuTime();
        bytes = THREADS.getCurrentThreadAllocatedBytes();
        if (steps++ == 0) {
          firstCpu = cpu;
          firstBytes = bytes;
          events = 0;
        }
      }
    }

    /** Ends a round: [microseconds, bytes, events] of a step. */
    synchronized double[] round() {
      double n = steps - 1;
      steps = 0;
      return new double[] {(cpu - firstCpu) / 1e3 / n, (bytes - firstBytes) / n, events / n};
    }
  }

  private BooksExperiment() {}

  public static void main(String[] args) {
    System.out.printf("answers of %d tokens, 1 thread, medians of %d rounds%n", TOKENS, ROUNDS);
    for (Path model : MODELS) {
      try (LoadedModel loaded = LoadedModel.load(model)) {
        for (int batch : BATCHES) {
          System.out.printf("%n%s, %d at once%n", model.getFileName(), batch);
          run(loaded, batch);
        }
      }
    }
  }

  private static void run(LoadedModel loaded, int batch) {
    List<Meter> meters = List.of(new Meter(false), new Meter(true));
    double[][][] seen = new double[2][3][ROUNDS]; // [way][figure][round]
    try (Engine plain = Engine.start(loaded, EngineOptions.defaults(), meters.get(0));
        Engine books = Engine.start(loaded, EngineOptions.defaults(), meters.get(1))) {
      for (int round = -WARM; round < ROUNDS; round++) {
        for (int i = 0; i < 2; i++) {
          int way = Math.floorMod(i + round, 2); // each is the first in every other round
          List<Request> requests = requests(loaded.model().vocab(), batch, round);
          (way == 0 ? plain : books).submit(requests).forEach(Completion::join);
          double[] figures = meters.get(way).round();
          for (int f = 0; f < figures.length; f++) {
            seen[way][f][Math.max(round, 0)] = figures[f];
          }
        }
      }
    }
    double[] without = Arrays.stream(seen[0]).mapToDouble(BooksExperiment::median).toArray();
    double[] with = Arrays.stream(seen[1]).mapToDouble(BooksExperiment::median).toArray();
    double[] ratios = new double[ROUNDS];
    Arrays.setAll(ratios, round -> seen[1][0][round] / seen[0][0][round]);
    System.out.printf(
        "without   %8.1f us a step  %8.0f bytes  %5.1f events%n",
        without[0], without[1], without[2]);
    System.out.printf(
        "books     %8.1f us a step  %8.0f bytes  %5.1f events   ratio %.4f (of medians %.4f)%n",
        with[0], with[1], with[2], median(ratios), with[0] / without[0]);
  }

  private static List<Request> requests(int vocab, int batch, int round) {
    Random random = new Random(round);
    SamplingParams params =
        SamplingParams.defaults().withMaxTokens(TOKENS).withIgnoreEos(true).withSeed(round);
    return IntStream.range(0, batch)
        .mapToObj(_ -> Request.of(random.ints(PROMPT, 0, vocab).toArray(), params))
        .toList();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
