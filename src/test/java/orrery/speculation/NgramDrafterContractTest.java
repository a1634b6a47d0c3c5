package orrery.speculation;

import orrery.model.Model;

class NgramDrafterContractTest extends DrafterContract {
  @Override
  protected Lanes.Maker maker(Model model) {
    return (runner, step, cache, sampler) -> new NgramDrafter(1, 3);
  }
}
