package orrery.speculation;

import orrery.model.Model;

class NoDrafterContractTest extends DrafterContract {
  @Override
  protected Lanes.Maker maker(Model model) {
    return (runner, step, cache, sampler) -> new NoDrafter();
  }

  @Override
  protected boolean guesses() {
    return false;
  }
}
