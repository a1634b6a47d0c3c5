package orrery.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.Arrival;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelRunner;

/**
 * A step whose pages come while it is computed gives the bits of a step whose pages were there,
 * however it is run. The pages are NaN until they come.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoadedStepTest {
  private static final int ROWS = 6;
  private static final Kernels KERNELS = new VectorKernels();

  static Stream<Path> models() {
    return Stream.of(TinyModels.specks(), TinyModels.v4Specks()).flatMap(List::stream);
  }

  /** How steps are run. */
  private record Way(boolean graph, boolean fusion, boolean regions, int threads) {
    static List<Way> all() {
      List<Way> all = new ArrayList<>();
      for (int threads = 1; threads <= 4; threads++) {
        all.add(new Way(false, false, false, threads));
        all.add(new Way(true, false, false, threads));
        all.add(new Way(true, true, false, threads));
        all.add(new Way(true, true, true, threads));
      }
      return all;
    }
  }

  /** A model, a prefix of two blocks in its cache and on the host, and rows that follow it. */
  private static final class Run implements AutoCloseable {
    final Model model;
    final Kept kept;
    final int prefix;
    final int streams;

    Run(Path directory, KvDtype dtype) {
      model = LoadedModel.load(directory).model();
      KvLayout layout = model.kvLayout(model.hasMtp(), dtype);
      int page = layout.wholeRows(8);
      prefix = 2 * page;
      streams = layout.streams().size();
      kept = new Kept(layout, page, 2, 3 * page);
      kept.fill(17);
      InlineMover mover = new InlineMover(kept.cache, kept.host);
      kept.copies(Copy.Way.STORE).forEach(mover::store);
    }

    PageCopier copier() {
      return new PageCopier(kept.cache, kept.host);
    }

    /** The bits of states, logits and those of the MTP layer. */
    List<int[]> run(ModelRunner runner, int threads, Arrival arrival) {
      Random random = new Random(4);
      List<int[]> bits = new ArrayList<>();
      Step step = rows(threads, 0, random);
      step.arrival(arrival);
      Forward f = runner.run(step);
      bits.add(bits(f.states(), step));
      bits.add(bits(f.logits(), step));
      if (model.hasMtp()) {
        Step mtp = rows(threads, 1, random);
        Buffer input = runner.forMtp(ROWS).mtpInput();
        for (int i = 0; i < input.data.length; i++) {
          input.data[i] = (float) random.nextGaussian();
        }
        f = runner.runMtp(mtp);
        bits.add(bits(f.mtpStates(), mtp));
        bits.add(bits(f.mtpLogits(), mtp));
      }
      return bits;
    }

    private Step rows(int threads, int behind, Random random) {
      Step step = new Step(ROWS, 1, threads, KERNELS);
      step.tables[0] = kept.table;
      for (int r = 0; r < ROWS; r++) {
        int p = prefix + r;
        step.add(random.nextInt(model.vocab()), p, p + behind, 0, r % 2 == 1);
      }
      return step;
    }

    private static int[] bits(Buffer b, Step step) {
      int[] bits = new int[b.rows(step) * b.cols];
      Arrays.setAll(bits, i -> Float.floatToIntBits(b.data[b.row(i / b.cols) + i % b.cols]));
      return bits;
    }

    ModelRunner runner(Way w, Team team) {
      return new ModelRunner(model, kept.cache, team, ROWS, ROWS, w.graph, w.fusion, w.regions);
    }

    @Override
    public void close() {
      kept.close();
    }
  }

  private static void until(BooleanSupplier holds) {
    while (!holds.getAsBoolean()) {
      Thread.onSpinWait();
    }
  }

  private static boolean same(List<int[]> a, List<int[]> b) {
    return Arrays.deepEquals(a.toArray(), b.toArray());
  }

  /** Pages that come at the last moment: when the step asks for a stream. */
  private static final class LastMoment implements Arrival {
    final List<Integer> asked = new ArrayList<>();
    private final Thread thread = Thread.currentThread();
    private final Load load;
    private final int never; // a stream whose pages do not come

    LastMoment(Run run, int never) {
      this.never = never;
      PageCopier copier =
          new PageCopier(run.kept.cache, run.kept.host) {
            @Override
            public void copy(Copy copy, int stream) {
              if (stream != LastMoment.this.never) {
                super.copy(copy, stream);
              }
            }
          };
      load = new Load(run.kept.copies(Copy.Way.LOAD), copier, () -> 0, copy -> {});
      copier.copyBoundary(load);
    }

    @Override
    public void await(int stream) {
      assertThat(Thread.currentThread()).isEqualTo(thread);
      asked.add(stream);
      while (load.nextStream() <= stream) {
        load.copyNext(false);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void pagesThatComeWhenTheStepAsksForThemGiveTheSameBits(Path directory) {
    for (KvDtype dtype : KvDtype.values()) {
      try (Run run = new Run(directory, dtype);
          Team one = new Team(1)) {
        List<int[]> expected = run.run(run.runner(Way.all().getFirst(), one), 1, Arrival.COMPLETE);
        for (Way way : dtype == KvDtype.F32 ? Way.all() : Way.all().subList(4, 8)) {
          try (Team team = new Team(way.threads)) {
            ModelRunner runner = run.runner(way, team);
            for (int step = 0; step < 2; step++) { // the second one replays a program
              run.kept.poison();
              LastMoment arrival = new LastMoment(run, -1);
              List<int[]> found = run.run(runner, way.threads, arrival);
              assertThat(same(found, expected)).as("%s", way).isTrue();
              assertThat(arrival.asked).endsWith(Arrival.EVERY_STREAM).hasSizeGreaterThan(2);
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aProgramThatDoesNotWaitForAStreamGivesOtherBits(Path directory) {
    try (Run run = new Run(directory, KvDtype.F32);
        Team team = new Team(1)) {
      ModelRunner runner = run.runner(Way.all().getLast(), team);
      List<int[]> expected = run.run(runner, 1, Arrival.COMPLETE);
      for (int stream = 0; stream < run.streams; stream++) {
        orrery.kv.Stream of = run.kept.cache.layout().streams().get(stream);
        run.kept.poison();
        List<int[]> found = run.run(runner, 1, new LastMoment(run, stream));
        // States are read when a group is complete, and an indexer may choose all there is anyway.
        if (!of.name().contains("state") && !of.name().contains("index")) {
          boolean read = of.tokensPerRow() != orrery.kv.Stream.PER_PAGE; // else by a drafter
          assertThat(same(found, expected)).as("without %s", of.name()).isEqualTo(!read);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void theStepStopsAtTheStreamThatIsHeldBackAndGoesOnWhenItIsThere(Path directory) {
    for (Way way : List.of(Way.all().get(0), Way.all().get(7))) {
      try (Run run = new Run(directory, KvDtype.F32);
          Team team = new Team(way.threads)) {
        ModelRunner runner = run.runner(way, team);
        List<int[]> expected = run.run(runner, way.threads, Arrival.COMPLETE);
        run.kept.poison();
        HeldBack copier = new HeldBack(run.kept);
        int boundary = run.kept.cache.layout().boundary();
        for (int stream = 0; stream < run.streams; stream++) {
          if (stream != boundary) {
            copier.hold(stream);
          }
        }
        try (ThreadMover mover = new ThreadMover(copier, 1, System::nanoTime)) {
          Load load = (Load) mover.load(run.kept.copies(Copy.Way.LOAD));
          AtomicInteger asked = new AtomicInteger(-1); // the stream that the step waits for
          AtomicInteger passed = new AtomicInteger(-1); // the highest stream that it has
          Arrival watched =
              stream -> {
                asked.accumulateAndGet(stream, Math::max);
                load.await(stream);
                passed.accumulateAndGet(stream, Math::max);
              };
          CompletableFuture<List<int[]>> found =
              CompletableFuture.supplyAsync(() -> run.run(runner, way.threads, watched));
          for (int stream = 0; stream < run.streams; stream++) {
            int held = stream;
            int pool = run.kept.cache.layout().poolOf(stream);
            if (stream != boundary && run.kept.host.layout().pages(pool) > 0) {
              until(() -> found.isDone() || copier.holds(held) && asked.get() >= held);
              assertThat(found).as("a step that waits").isNotDone();
              assertThat(passed.get()).as("%s, stream %d", way, stream).isLessThan(held);
              copier.letGo(stream);
            }
          }
          assertThat(same(found.join(), expected)).as("%s", way).isTrue();
          assertThat(load.waitedNanos()).isPositive();
          assertThat(passed.get()).isEqualTo(Arrival.EVERY_STREAM);
        }
      }
    }
  }
}
