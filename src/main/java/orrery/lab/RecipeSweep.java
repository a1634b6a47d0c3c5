package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import orrery.engine.EngineOptions;
import orrery.lab.Recipe.Row;

/**
 * Looks for the best switches of each number of clients, one switch after the other: drafts, rows
 * of a chunk, sequences at once, threads. The values of a switch take turns with the one that
 * stands, on the same requests, and one has to be faster by a margin to take its place.
 *
 * <p>Faster means: more tokens a second in a closed loop. By Little's law that is the same as less
 * time for a request, its wait included: with c clients, throughput is c requests over the time of
 * one. So no recipe can buy a fast reader with a long queue.
 */
final class RecipeSweep {
  private static final List<Integer> DRAFTS = List.of(0, 1, 2, 3, 5);
  private static final List<Integer> CHUNKS = List.of(32, 64, 128, 256);
  private static final double MARGIN = 1.03; // times as fast, to take the place
  private static final int ROUNDS = 3;
  private static final int ROUNDS_LARGE = 2;

  private final Subject s;
  private final FrontierRuns runs;
  private final EngineOptions everything;
  private final Consumer<String> progress;

  RecipeSweep(Subject s, FrontierRuns runs, Consumer<String> progress) {
    this.s = s;
    this.runs = runs;
    this.everything = FrontierConfiguration.everything(s);
    this.progress = progress;
  }

  /** Finds a recipe. */
  Recipe find(List<Integer> concurrencies, String workload) {
    List<Row> rows = new ArrayList<>();
    for (int concurrency : concurrencies) {
      rows.add(best(concurrency));
      Row row = rows.getLast();
      progress.accept("recipe for " + concurrency + ": " + row.flags());
    }
    return new Recipe(
        s.name(),
        Fingerprint.of(s.loaded().directory()),
        Machine.look().processor(),
        Runtime.getRuntime().availableProcessors(),
        workload,
        rows);
  }

  private Row best(int concurrency) {
    int threads = s.settings().threads();
    int chunk = everything.batching().chunkedPrefillSize();
    int drafts = everything.speculation().on() ? everything.speculation().numSteps() : 0;
    Row row = new Row(concurrency, threads, chunk, concurrency, drafts, 1);
    if (drafts > 0) {
      row = better(row, DRAFTS, (r, k) -> row(r, r.threads(), r.chunk(), r.running(), k));
    }
    row = better(row, CHUNKS, (r, n) -> row(r, r.threads(), n, r.running(), r.drafts()));
    List<Integer> limits = concurrency < 4 ? List.of() : List.of(concurrency / 2);
    row = better(row, limits, (r, n) -> row(r, r.threads(), r.chunk(), n, r.drafts()));
    List<Integer> fewer = threads == 1 ? List.of() : List.of(1, (threads + 1) / 2);
    return better(row, fewer, (r, n) -> row(r, n, r.chunk(), r.running(), r.drafts()));
  }

  private static Row row(Row r, int threads, int chunk, int running, int drafts) {
    return new Row(r.concurrency(), threads, chunk, running, drafts, r.total());
  }

  /** The row that stands, or one of the rows with another value, if that is clearly faster. */
  private Row better(Row stands, List<Integer> values, BiFunction<Row, Integer, Row> with) {
    Set<Row> set = new LinkedHashSet<>(List.of(stands));
    values.forEach(value -> set.add(with.apply(stands, value)));
    List<Row> rows = List.copyOf(set);
    double[] totals = totals(rows);
    int best = 0;
    for (int i = 1; i < totals.length; i++) {
      double needed = totals[best] * (best == 0 ? MARGIN : 1);
      best = totals[i] > needed ? i : best;
    }
    Row r = rows.get(best);
    return new Row(r.concurrency(), r.threads(), r.chunk(), r.running(), r.drafts(), totals[best]);
  }

  /** Median tokens a second, [rows]. */
  private double[] totals(List<Row> rows) {
    int rounds = s.settings().quick() ? 1 : FrontierRuns.large(s) ? ROUNDS_LARGE : ROUNDS;
    double[][] totals = new double[rows.size()][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < rows.size(); i++) {
        Trial.requireGoingOn();
        int at = round % 2 == 0 ? i : rows.size() - 1 - i;
        Row row = rows.get(at);
        EngineOptions options = row.applyTo(everything);
        totals[at][round] = runs.run(s.loaded(), options, row.concurrency(), round).total();
      }
    }
    return Arrays.stream(totals).mapToDouble(t -> Spread.of(t).median()).toArray();
  }
}
