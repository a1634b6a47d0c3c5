package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * A way to serve, for every number of clients.
 *
 * @param loaded the model, or its FP8 copy
 * @param at options for a number of clients; memory and batch limit are still open
 */
record FrontierConfiguration(String name, LoadedModel loaded, IntFunction<EngineOptions> at) {
  static final String NAIVE_MTP = "naive with MTP";
  static final String RECIPE = "best recipe";
  static final String RECIPE_PLAIN = "best recipe without drafts";

  /** The last rung of a model: everything on, before recipes. */
  static EngineOptions everything(Subject s) {
    EngineOptions all = Rung.climb(s.options()).getLast();
    return s.loaded().model().hasMtp() ? all : withoutDrafts(all);
  }

  /**
   * The rungs, then what stands beside them. A model without an MTP layer has fewer.
   *
   * @param fp8 the model's FP8 copy, null if it has none
   */
  static List<FrontierConfiguration> all(Subject s, LoadedModel fp8, Recipe recipe) {
    boolean mtp = s.loaded().model().hasMtp();
    List<FrontierConfiguration> all = new ArrayList<>();
    List<Rung> rungs = Rung.all();
    List<EngineOptions> options = Rung.climb(s.options());
    for (int i = 0; i < rungs.size(); i++) {
      LoadedModel loaded = rungs.get(i).fp8() ? fp8 : s.loaded();
      if (loaded != null && (mtp || !options.get(i).speculation().on())) {
        all.add(fixed(rungs.get(i).name(), loaded, options.get(i)));
      }
    }
    EngineOptions everything = everything(s);
    all.add(new FrontierConfiguration(RECIPE, s.loaded(), c -> recipe.at(c).applyTo(everything)));
    if (mtp) {
      all.add(fixed(NAIVE_MTP, s.loaded(), Rung.drafted(options.getFirst())));
      all.add(
          new FrontierConfiguration(
              RECIPE_PLAIN, s.loaded(), c -> withoutDrafts(recipe.at(c).applyTo(everything))));
    }
    return all;
  }

  /** Everything on, with the same switches for every number of clients. */
  static FrontierConfiguration fullest(Subject s) {
    return fixed("everything", s.loaded(), everything(s));
  }

  private static FrontierConfiguration fixed(String name, LoadedModel loaded, EngineOptions o) {
    return new FrontierConfiguration(name, loaded, c -> batch(o, c));
  }

  private static EngineOptions batch(EngineOptions o, int concurrency) {
    return o.withBatching(b -> b.withMaxRunningRequests(concurrency));
  }

  private static EngineOptions withoutDrafts(EngineOptions o) {
    return o.withSpeculation(s -> s.withAlgorithm(Algorithm.OFF));
  }
}
