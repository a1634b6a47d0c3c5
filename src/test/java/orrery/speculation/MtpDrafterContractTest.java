package orrery.speculation;

import orrery.model.Model;
import orrery.speculation.DraftPicker.How;

class MtpDrafterContractTest extends DrafterContract {
  @Override
  protected Lanes.Maker maker(Model model) {
    return (runner, step, cache, sampler) ->
        new MtpDrafter(runner, step, cache, new DraftPicker(sampler, How.COUPLED, model.vocab()));
  }
}
