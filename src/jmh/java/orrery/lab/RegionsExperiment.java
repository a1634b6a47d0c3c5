package orrery.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import orrery.engine.LoadedModel;
import orrery.kernels.Team;
import orrery.kv.KvDtype;
import orrery.model.Model;

/**
 * A captured step with a hand-over for each op, and in regions, with one thread and with several.
 * All variants take turns, so that a busy minute of the machine slows all of them.
 *
 * <p>Arguments: model directories; with {@code -Dthreads=1,2}, {@code -Drows=1,8,32}, {@code
 * -Dcontext=128} and {@code -Dseconds=2}.
 */
final class RegionsExperiment {
  private static final int BURST = 20; // steps of one variant in a row

  private RegionsExperiment() {}

  /** One way to run a step. */
  private record Variant(String name, Runnable step, int handOvers, List<Double> micros) {}

  public static void main(String[] args) {
    for (String directory : args) {
      Model model = LoadedModel.load(Path.of(directory)).model();
      for (int rows : numbers("rows", "1,8,32")) {
        measure(directory, model, rows);
      }
    }
  }

  private static int[] numbers(String property, String or) {
    String list = System.getProperty(property, or);
    return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  private static void measure(String name, Model model, int rows) {
    List<Variant> variants = new ArrayList<>();
    List<Team> teams = new ArrayList<>();
    for (int threads : numbers("threads", "1,2")) {
      Team team = new Team(threads);
      teams.add(team);
      int context = Integer.getInteger("context", 128);
      DecodeStep step =
          new DecodeStep(model, team, rows, context, KvDtype.F32, new Draw(1, model.vocab()));
      variants.add(variant(threads + " threads, apart", step::runApart, step.handOversApart()));
      if (threads > 1) {
        variants.add(variant(threads + " threads, regions", step::run, step.handOvers()));
      }
    }
    double seconds = Double.parseDouble(System.getProperty("seconds", "2"));
    long begin = System.nanoTime();
    boolean warm = false;
    while ((System.nanoTime() - begin) / 1e9 < 2 * seconds) {
      if (!warm && (System.nanoTime() - begin) / 1e9 > seconds) {
        warm = true; // the first half only warmed up
        variants.forEach(v -> v.micros.clear());
      }
      variants.forEach(RegionsExperiment::burst);
    }
    for (Variant v : variants) {
      double[] micros = v.micros.stream().mapToDouble(d -> d).toArray();
      Spread s = Spread.of(micros);
      System.out.printf(
          Locale.ROOT,
          "%s, %d rows, %s: %d hand-overs, %.1f us (%.1f to %.1f)%n",
          name,
          rows,
          v.name,
          v.handOvers,
          s.median(),
          s.low(),
          s.high());
    }
    teams.forEach(Team::close);
  }

  private static Variant variant(String name, Runnable step, int handOvers) {
    return new Variant(name, step, handOvers, new ArrayList<>());
  }

  private static void burst(Variant v) {
    long start = System.nanoTime();
    for (int i = 0; i < BURST; i++) {
      v.step.run();
    }
    v.micros.add((System.nanoTime() - start) / 1e3 / BURST);
  }
}
