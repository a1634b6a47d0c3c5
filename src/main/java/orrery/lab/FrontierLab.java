package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import orrery.engine.Engine;
import orrery.options.Options;

/**
 * Throughput against interactivity, from a naive engine to one with every technique: the picture in
 * which public benchmarks compare serving engines.
 */
public final class FrontierLab implements Lab.Experiment {
  private static final List<Integer> SMALL = List.of(1, 2, 4, 8, 16, 32, 64);
  private static final List<Integer> LARGE = List.of(1, 4, 16); // of models that read from memory
  private static final List<Integer> QUICK = List.of(1, 3);

  /**
   * What to run.
   *
   * @param concurrencies numbers of clients; empty for the standard ones
   * @param load which requests come
   * @param recipes of models that are measured; a model without one gets one by a sweep
   * @param sweep whether only a recipe is wanted
   */
  public record Shape(
      List<Integer> concurrencies, FrontierLoad load, List<Recipe> recipes, boolean sweep) {
    public Shape {
      concurrencies = concurrencies.stream().sorted().distinct().toList();
      recipes = List.copyOf(recipes);
      boolean inRange = concurrencies.stream().allMatch(c -> c >= 1 && c <= 1024);
      Options.check(inRange, "concurrency", "1 to 1024", concurrencies);
    }
  }

  private final Shape shape;
  private final Consumer<String> progress;
  private final List<FrontierResult> results = new ArrayList<>();
  private Recipe recipe; // used or found for the last model

  FrontierLab(Shape shape, Consumer<String> progress) {
    this.shape = shape;
    this.progress = progress;
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    FrontierLoad load = load(s);
    FrontierRuns runs = new FrontierRuns(s, load, progress);
    List<Integer> concurrencies = concurrencies(s);
    sheet.title(
        "frontier: " + s.description(),
        "%s; closed loop; %.1f MB of KV cache; no prefix cache"
            .formatted(load, runs.bytes() / 1e6));
    if (shape.sweep) {
      recipe = sweep(s, runs, concurrencies, sheet);
      return List.of();
    }
    try (Fp8Copy fp8 = new Fp8Copy(s.loaded().directory(), sheet)) {
      recipe = recipe(s).orElseGet(() -> sweep(s, runs, concurrencies, sheet));
      List<FrontierConfiguration> all = FrontierConfiguration.all(s, fp8.loaded(), recipe);
      runs.warmUp(all);
      List<FrontierCurve> curves = runs.measure(all, concurrencies);
      FrontierResult result = new FrontierResult(s.name(), s.description(), load, curves);
      results.add(result);
      return new FrontierTables(result).print(sheet);
    }
  }

  private Recipe sweep(Subject s, FrontierRuns runs, List<Integer> concurrencies, Sheet sheet) {
    runs.warmUp(List.of(FrontierConfiguration.fullest(s)));
    Recipe found = new RecipeSweep(s, runs, progress).find(concurrencies, load(s).toString());
    FrontierTables.recipe(sheet, found);
    return found;
  }

  private Optional<Recipe> recipe(Subject s) {
    String fingerprint = Fingerprint.of(s.loaded().directory());
    return shape.recipes.stream().filter(r -> r.fingerprint().equals(fingerprint)).findFirst();
  }

  private FrontierLoad load(Subject s) {
    return s.settings().quick() ? FrontierLoad.QUICK : shape.load;
  }

  private List<Integer> concurrencies(Subject s) {
    if (s.settings().quick()) {
      return QUICK;
    }
    return !shape.concurrencies.isEmpty()
        ? shape.concurrencies
        : FrontierRuns.large(s) ? LARGE : SMALL;
  }

  @Override
  public void require(Subject s) {
    FrontierRuns runs = new FrontierRuns(s, load(s), progress);
    int most = s.loaded().model().maxPositions();
    if (runs.context() > most) {
      throw new IllegalArgumentException(
          "input: expected together with --output and at four times both at most the model's "
              + most
              + " positions, found "
              + runs.context());
    }
    FrontierConfiguration full = FrontierConfiguration.fullest(s);
    for (int c : concurrencies(s)) {
      Engine.check(s.loaded(), runs.sized(full.at().apply(c)));
    }
  }

  /** All points as JSON. */
  String json() {
    return FrontierJson.text(results);
  }

  /** The recipe of the last model. */
  Recipe recipe() {
    return recipe;
  }
}
