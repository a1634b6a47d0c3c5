package orrery.engine;

import java.util.function.Supplier;
import orrery.graph.Step;
import orrery.kv.KvCache;
import orrery.model.ModelRunner;
import orrery.sampling.Sampler;
import orrery.speculation.DraftPicker;
import orrery.speculation.DraftPicker.How;
import orrery.speculation.Drafter;
import orrery.speculation.MtpDrafter;
import orrery.speculation.NgramDrafter;
import orrery.speculation.NoDrafter;
import orrery.speculation.SpeculationOptions;

/** Makes the drafter of an engine. */
@FunctionalInterface
interface Drafters {
  /**
   * Makes the drafter.
   *
   * @param steps makes a step that the drafter has for itself
   */
  Drafter make(ModelRunner runner, Supplier<Step> steps, KvCache cache, Sampler sampler);

  /** Returns the maker of the drafter that the options name. */
  static Drafters of(SpeculationOptions o, int vocab) {
    return (runner, steps, cache, sampler) ->
        switch (o.algorithm()) {
          case OFF -> new NoDrafter();
          case NGRAM -> new NgramDrafter(o.ngramMin(), o.ngramMax());
          case MTP ->
              new MtpDrafter(runner, steps.get(), cache, new DraftPicker(sampler, how(o), vocab));
        };
  }

  private static How how(SpeculationOptions o) {
    return o.acceptance() == SpeculationOptions.Acceptance.REJECTION
        ? How.DRAWN
        : o.coupledDrafts() ? How.COUPLED : How.LIKELIEST;
  }
}
